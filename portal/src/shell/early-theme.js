// Runs before the first paint. A choice made earlier wins; otherwise the system's preference decides.
(function () {
  var chosen = null;
  try {
    chosen = localStorage.getItem("aifactory.theme");
  } catch {
    // Storage may be blocked; the system's preference still works.
  }
  var dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.body.classList.toggle("awsui-dark-mode", dark);
  document.body.classList.add("has-javascript");
})();
