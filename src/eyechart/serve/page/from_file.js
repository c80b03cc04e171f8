// No module, so that it runs where modules may not: from a file, from which browsers load nothing else.

if (location.protocol === "file:") {
  const isFrench = navigator.language.toLowerCase().startsWith("fr");
  document.documentElement.lang = isFrench ? "fr" : "en";
  for (const useless of document.querySelectorAll(".sheet, #contenders, .meta")) useless.hidden = true;
  document.querySelector("main").removeAttribute("data-reading");
  document.getElementById("verdict").textContent = isFrench ? "Cette page a besoin d'un serveur statique." : "This page needs a static server.";
  document.getElementById("beside").textContent = isFrench
    ? "Les navigateurs ne chargent pas de modules depuis un fichier. Dans ce dossier, lancez\u202f: python3 -m http.server 8000, puis ouvrez http://localhost:8000/"
    : "Browsers load no modules from a file. In this folder, run: python3 -m http.server 8000, then open http://localhost:8000/";
}
