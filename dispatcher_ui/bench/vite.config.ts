import { defineConfig } from "vite";

/** Built by `postrider bench console` alone, into a folder of its own. */
export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  build: { target: "es2022", chunkSizeWarningLimit: 1300 },
});
