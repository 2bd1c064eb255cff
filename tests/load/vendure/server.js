// A Vendure shop to compare with: tracked stock, the dummy payment handler, jobs in this process.
//
// The database comes from PG* variables; PORT says where to listen, SKUS how many product variants
// to make (0: they are there already). Prints "ready" once it serves.
//
// Everything that it need not do is left out (no search index, no assets, no mail, no admin page),
// so that it is counted for taking orders and for nothing else.

const { writeFileSync, mkdtempSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const {
  DefaultLogger,
  JobQueueService,
  LogLevel,
  bootstrap,
  dummyPaymentHandler,
} = require("@vendure/core");
const { populate } = require("@vendure/core/cli");

const skus = Number(process.env.SKUS);

const config = {
  apiOptions: {
    hostname: "127.0.0.1",
    port: Number(process.env.PORT),
    adminApiPath: "admin-api",
    shopApiPath: "shop-api",
  },
  authOptions: {
    tokenMethod: "bearer",
    superadminCredentials: { identifier: "bench", password: process.env.PGPASSWORD },
    cookieOptions: { secret: process.env.PGPASSWORD },
  },
  dbConnectionOptions: {
    type: "postgres",
    host: process.env.PGHOST,
    port: Number(process.env.PGPORT),
    username: process.env.PGUSER,
    password: process.env.PGPASSWORD,
    database: process.env.PGDATABASE,
    synchronize: skus > 0,
    logging: false,
    poolSize: 20,
  },
  paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
  logger: new DefaultLogger({ level: LogLevel.Error }),
  systemOptions: { errorHandlers: [] },
  plugins: [],
};

const initialData = {
  defaultLanguage: "en",
  defaultZone: "Europe",
  countries: [{ name: "Germany", code: "DE", zone: "Europe" }],
  taxRates: [{ name: "Standard Tax", percentage: 20 }],
  shippingMethods: [{ name: "Standard Shipping", price: 500 }],
  paymentMethods: [
    {
      name: "Dummy",
      handler: {
        code: "dummy-payment-handler",
        arguments: [{ name: "automaticSettle", value: "false" }],
      },
    },
  ],
  collections: [],
};

function writeProducts() {
  const rows = [
    "name,slug,description,assets,facets,optionGroups,optionValues,sku,price,taxCategory," +
      "stockOnHand,trackInventory,variantAssets,variantFacets",
  ];
  for (let number = 0; number < skus; number += 1) {
    rows.push(`Goods ${number},goods-${number},,,,,,SKU-${number},10.00,standard,9000000,true,,`);
  }
  const path = join(mkdtempSync(join(tmpdir(), "vendure-")), "products.csv");
  writeFileSync(path, rows.join("\n"));
  return path;
}

async function start() {
  const app =
    skus > 0
      ? await populate(() => bootstrap(config), initialData, writeProducts())
      : await bootstrap(config);
  await app.get(JobQueueService).start();
  console.log("ready");
}

start().catch((error) => {
  console.error(error);
  process.exit(1);
});
