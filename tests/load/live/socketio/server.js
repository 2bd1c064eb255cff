// Socket.IO with its Redis adapter at the same task: let in, check a fix, tell the screens through
// Redis, acknowledge. PORT and REDIS_URL come from the environment.
const { createAdapter } = require("@socket.io/redis-adapter");
const { createClient } = require("redis");
const { Server } = require("socket.io");

async function main() {
  const publishing = createClient({ url: process.env.REDIS_URL });
  const listening = publishing.duplicate();
  await Promise.all([publishing.connect(), listening.connect()]);
  const io = new Server(Number(process.env.PORT), {
    adapter: createAdapter(publishing, listening),
    transports: ["websocket"],
    perMessageDeflate: false,
  });
  let phones = 0;
  io.on("connection", (socket) => {
    const driver = ++phones;
    if (socket.handshake.auth.screen) socket.join("screens");
    socket.on("fix", (fix, answer) => {
      const isFine =
        Math.abs(fix.lon) <= 180 && Math.abs(fix.lat) <= 90 && fix.accuracy_m >= 0 && fix.accuracy_m <= 100;
      if (!isFine) return;
      io.to("screens").emit("fix", { driver, ...fix });
      answer(fix.seq);
    });
  });
}

main();
