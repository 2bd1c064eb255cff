// Put into a shop's page: <script src="https://…/embed/lookup.js" data-account="CODE" async></script>
// It puts a frame in its own place and does nothing else; no style attribute, so any policy lets it.
(() => {
  const script = document.currentScript;
  const frame = document.createElement("iframe");
  const language = script.dataset.lang ? `?lang=${encodeURIComponent(script.dataset.lang)}` : "";
  frame.src = new URL(`/embed/${encodeURIComponent(script.dataset.account)}${language}`, script.src);
  frame.title = script.dataset.title || "Where is my parcel?";
  frame.width = "100%";
  frame.height = script.dataset.height || "420";
  frame.referrerPolicy = "no-referrer";
  frame.loading = "lazy";
  script.after(frame);
})();
