// What the page says, in English and in French, and how it writes numbers.

const NARROW = "\u202f";

const ENGLISH = {
  skip: "To the answers", report: "Report", otherLanguage: "Français", themes: { auto: "Theme: system", light: "Theme: light", dark: "Theme: dark" },
  question: (what, count) => `${what}, and ${number(count)} ${count === 1 ? "network answers" : "networks answer"}`,
  drawDigit: "Draw a digit", drawDigits: "Write several digits", drawThing: "Draw one thing", drawThings: "Draw several things", showPicture: "Show a picture",
  readings: "How it is read", one: "One digit", line: "A line of digits", oneThing: "One thing", lineThing: "Several things",
  padName: "Drawing area", hintOne: "Draw here", hintLine: "Write several digits here", hintLineThings: "Draw several things here", hintPicture: "Drop, paste or choose a picture",
  undo: "Undo", clear: "Clear", brush: "Brush", choose: "Choose a picture", photograph: "Take a photo", tools: "Tools",
  keys: "Mouse, pen or finger; or focus the sheet: arrow keys move a pen, Space puts it down and lifts it, Ctrl+Z undoes, Delete clears. Pictures can be dropped or pasted.",
  penDown: "pen down", penUp: "pen up", cleared: "cleared",
  asLine: "Read them one by one", saw: "What the models saw",
  sawNote: "A drawing, scan or photo is brought to what the training images look like. This is what the networks get.",
  sawAsItCame: "Pictures are fitted into the frame of the training images. This is what the networks get.",
  looked: "Where it looked", lookedWaiting: "Maps come when the pen rests.", lookedBusy: "Looking …", lookedNothing: "There is nothing to look at yet.",
  lookedNote: "Orange speaks for the answer, purple against it; of attention, orange is looked at more than evenly. Choose whose map lies on the sheet. A map is no proof: eyechart explain checks it.",
  mapFor: (method, label) => (label === null ? method : `${method}, for ${label}`), methodNames: { "grad-cam": "Grad-CAM", "attention rollout": "attention rollout" },
  steps: "Step by step", gallery: "Hard ones to try",
  galleryNote: "The test images on which these contenders lose most. Under each is its label.",
  labelled: (label) => `The test set says ${label}.`, imageOf: (label) => `test image labelled ${label}`,
  all: (count, label) => count === 1 ? `It says ${label}.` : count === 2 ? `Both say ${label}.` : `All ${number(count)} say ${label}.`,
  most: (count, all, label) => `${count} of ${all} say ${label}.`,
  none: "No answer.", split: "They disagree.", read: (text, count) => `${count === 1 ? "It reads" : "They read"} ${text}${text.endsWith("?") ? "" : "."}`, nothingRead: "Nothing to read.",
  waiting: "…", milliseconds: (value) => `${decimal(value, "en")} ms`,
  together: (value) => `All answers in ${decimal(value, "en")} ms.`,
  loading: (loaded, total) => `The networks are on their way: ${megabytes(loaded, "en")} of ${megabytes(total, "en")} MB.`,
  how: {
    components: "Each thing that stands apart is read by itself. Frames are drawn around these.",
    singles: (name) => ` ${name} learned images of one thing, so its boxes are those that it finds on each of them.`,
    detector: (name) => `${name} looks at the whole picture; frames are its boxes.`,
  },
  unreachable: "The server does not answer. Is eyechart serve still running?", notShown: "This picture cannot be shown here, but it was sent.",
  percent: (value) => percent(value, "en"), thing: (place) => `thing ${place}`,
  stepNames: {},
};

const FRENCH = {
  skip: "Aller aux réponses", report: "Rapport", otherLanguage: "English", themes: { auto: `Thème${NARROW}: système`, light: `Thème${NARROW}: clair`, dark: `Thème${NARROW}: sombre` },
  question: (what, count) => `${what}, et ${nombre(count)} ${count === 1 ? "réseau répond" : "réseaux répondent"}`,
  drawDigit: "Dessinez un chiffre", drawDigits: "Écrivez plusieurs chiffres", drawThing: "Dessinez un objet", drawThings: "Dessinez plusieurs objets", showPicture: "Montrez une image",
  readings: "Comment on lit", one: "Un chiffre", line: "Une ligne de chiffres", oneThing: "Un objet", lineThing: "Plusieurs objets",
  padName: "Zone de dessin", hintOne: "Dessinez ici", hintLine: "Écrivez plusieurs chiffres ici", hintLineThings: "Dessinez plusieurs objets ici", hintPicture: "Déposez, collez ou choisissez une image",
  undo: "Annuler", clear: "Effacer", brush: "Pinceau", choose: "Choisir une image", photograph: "Prendre une photo", tools: "Outils",
  keys: `Souris, stylet ou doigt${NARROW}; ou placez le focus sur la feuille${NARROW}: les flèches déplacent un stylo, Espace le pose et le lève, Ctrl+Z annule, Suppr efface. Une image peut être déposée ou collée.`,
  penDown: "stylo posé", penUp: "stylo levé", cleared: "effacé",
  asLine: "Les lire un par un", saw: "Ce que les modèles ont vu",
  sawNote: "Un dessin, un scan ou une photo est ramené à ce que sont les images d'entraînement. Voici ce que reçoivent les réseaux.",
  sawAsItCame: "L'image est ajustée au cadre des images d'entraînement. Voici ce que reçoivent les réseaux.",
  looked: "Où il a regardé", lookedWaiting: "Les cartes viennent quand le stylo se repose.", lookedBusy: "On regarde…", lookedNothing: "Il n'y a encore rien à regarder.",
  lookedNote: `L'orange parle pour la réponse, le violet contre${NARROW}; pour l'attention, l'orange est ce qui est regardé plus que le reste. Choisissez la carte à poser sur la feuille. Une carte n'est pas une preuve${NARROW}: eyechart explain la vérifie.`,
  mapFor: (method, label) => (label === null ? method : `${method}, pour ${label}`), methodNames: { "grad-cam": "Grad-CAM", "attention rollout": "attention cumulée" },
  steps: "Étape par étape", gallery: "Des cas difficiles à essayer",
  galleryNote: "Les images de test qui coûtent le plus à ces concurrents. Sous chacune, son étiquette.",
  labelled: (label) => `Le jeu de test dit ${label}.`, imageOf: (label) => `image de test étiquetée ${label}`,
  all: (count, label) => count === 1 ? `Il dit ${label}.` : count === 2 ? `Les deux disent ${label}.` : `Tous les ${nombre(count)} disent ${label}.`,
  most: (count, all, label) => `${count} sur ${all} disent ${label}.`,
  none: "Pas de réponse.", split: "Ils ne sont pas d'accord.", read: (text, count) => `${count === 1 ? "Il lit" : "Ils lisent"} ${text}${text.endsWith("?") ? "" : "."}`, nothingRead: "Rien à lire.",
  waiting: "…", milliseconds: (value) => `${decimal(value, "fr")} ms`,
  together: (value) => `Toutes les réponses en ${decimal(value, "fr")} ms.`,
  loading: (loaded, total) => `Les réseaux arrivent${NARROW}: ${megabytes(loaded, "fr")} sur ${megabytes(total, "fr")} Mo.`,
  how: {
    components: "Chaque objet isolé est lu seul. Les cadres les entourent.",
    singles: (name) => ` ${name} a appris des images d'un seul objet${NARROW}; ses boîtes sont donc celles qu'il trouve sur chacun d'eux.`,
    detector: (name) => `${name} regarde l'image entière${NARROW}; les cadres sont ses boîtes.`,
  },
  unreachable: `Le serveur ne répond pas. Est-ce que eyechart serve tourne encore${NARROW}?`, notShown: "Cette image ne peut pas être montrée ici, mais elle a été envoyée.",
  percent: (value) => percent(value, "fr"), thing: (place) => `objet ${place}`,
  stepNames: {
    "as it came": "telle quelle", alpha: "transparence", grey: "gris", ink: "encre", marks: "traits", nearer: "de plus près", weight: "épaisseur",
    "size and place": "taille et place", "as trained": "comme à l'entraînement", blank: "vide",
  },
};

export const WORDS = { en: ENGLISH, fr: FRENCH };

function number(count) {
  return ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"][count] ?? String(count);
}

function nombre(count) {
  return ["aucun", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf"][count] ?? String(count);
}

function decimal(value, language) {
  const digits = value < 10 ? 1 : 0;
  return value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function megabytes(bytes, language) {
  return (bytes / 1e6).toLocaleString(language, { maximumFractionDigits: 0 });
}

function percent(value, language) {
  if (value > 0.9995) return `>${NARROW}${(99.9).toLocaleString(language)}${NARROW}%`;
  return `${(100 * value).toLocaleString(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 })}${NARROW}%`;
}
