import { defineConfig } from "vite";

export default defineConfig({
  base: "/dispatch/",
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1300, // MapLibre, loaded after the list
    rollupOptions: { input: ["index.html", "login.html"] },
  },
});
