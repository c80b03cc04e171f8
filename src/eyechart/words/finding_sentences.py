"""The sentences of findings, (English, French) by code; {who} are the runs or contenders, other words are facts."""

from eyechart.words.alarm_sentences import ALARM_SENTENCES

SENTENCES: dict[str, tuple[str, str]] = {
    # ------------------------------------------------------------------------------------- splits
    "other-test-images": (
        "{who}: judged on other test images than the rest, so errors cannot be compared image by image. Train and "
        "judge all contenders on one dataset.",
        "{who} : d'autres images de test que le reste ; les erreurs ne se comparent donc pas image par "
        "image. Entraînez et jugez tous les concurrents sur le même jeu de données.",
    ),
    "other-images": (
        "{who}: other {part} images than the rest with the same seed (seeds {seeds}), so the runs are no pairs. Run "
        "all contenders in one study.",
        "{who} : d'autres images pour la partie {part} que le reste, à graine égale (graines {seeds}) ; les "
        "entraînements ne forment pas des paires. Entraînez tous les concurrents dans une même étude.",
    ),
    "test-as-validation": (
        "{who}: the {first} and the {second} part are (mostly) the same images ({shared} pictures in both). What was "
        "chosen or trained on one says nothing new on the other; the scores are not to be believed. Give each part "
        "images of its own.",
        "{who} : les parties {first} et {second} sont (presque) les mêmes images ({shared} images communes). Ce qui a "
        "été choisi ou appris sur l'une ne prouve rien sur l'autre ; ces scores ne sont pas crédibles. Donnez à "
        "chaque partie ses propres images.",
    ),
    "shared-pictures": (
        "{who}: {shared} pictures lie in both the {first} and the {second} part (the smaller has {size}). They can be "
        "known by heart, which flatters every score. Remove the duplicates from one part.",
        "{who} : {shared} images se trouvent à la fois dans les parties {first} et {second} (la plus petite en a "
        "{size}). Elles peuvent être apprises par cœur, ce qui flatte tous les scores. Retirez les doublons d'une des "
        "parties.",
    ),
    "few-shared-pictures": (
        "{who}: {shared} of {size} pictures lie in both the {first} and the {second} part. They can move "
        "a score by {share} at most; a difference as small as that is not to be trusted.",
        "{who} : {shared} image(s) sur {size} se trouvent dans les parties {first} et {second}. Elles déplacent un "
        "score de {share} au plus ; un écart aussi petit n'est pas fiable.",
    ),
    "missing-classes": (
        "{who}: the {part} part has no image of {number} of the classes ({classes}), so nothing is known of them "
        "there. Add images of every class.",
        "{who} : la partie {part} n'a aucune image de {number} des classes ({classes}) ; on n'y apprend donc rien "
        "d'elles. Ajoutez des images de chaque classe.",
    ),
    "cut-classes": (
        "{who}: the test part was shortened to {images} images and has none of {number} of the classes ({classes}). "
        "Scores are over the others; another preset judges on the whole test part.",
        "{who} : la partie test a été réduite à {images} images et n'en a aucune de {number} des classes ({classes}). "
        "Les scores portent sur les autres ; un autre préréglage juge sur la partie test entière.",
    ),
    "plain-classes": (
        "{who}: in the {part} part, all images of {number} of the classes ({classes}) are of one plain colour, so "
        "there is nothing to see on them. Look at them: eyechart data show; eyechart data verify names the files.",
        "{who} : dans la partie {part}, toutes les images de {number} des classes ({classes}) sont d'une seule couleur "
        "unie ; on n'y voit donc rien. Regardez-les : eyechart data show ; eyechart data verify nomme les fichiers.",
    ),
    "small-validation": (
        "{who}: validation has {images} images, too few to see small differences: the standard error of an accuracy "
        "of 99 % is {error}. Choices made by it are coarse.",
        "{who} : la validation a {images} images, trop peu pour voir de petits écarts : l'erreur type d'une "
        "exactitude de 99 % est de {error}. Les choix qui s'y fondent sont grossiers.",
    ),
    "shortened-test": (
        "{who}: the test part is shortened to {images} images. This shows that everything works, not how well.",
        "{who} : la partie test est réduite à {images} images. Cela montre que tout fonctionne, non ce que valent "
        "les résultats.",
    ),
    # ------------------------------------------------------------------------------------- rules and budgets
    "other-budgets": (
        "{who}: another budget than the rest ({other} against {usual}). Who may train longer has an advantage that is "
        "not its architecture's. Give all contenders the same budget.",
        "{who} : un autre budget que le reste ({other} contre {usual}). Qui s'entraîne plus longtemps a un avantage "
        "qui n'est pas celui de son architecture. Donnez le même budget à tous les concurrents.",
    ),
    "missed-budget": (
        "{who}: trained for other seconds than the budget says ({run}: {seconds} s of {budget} s). Its pace "
        "changed after its steps were counted. Repeat on a quiet machine, or give the budget in images.",
        "{who} : durée d'entraînement autre que le budget ({run} : {seconds} s pour {budget} s). Son allure a "
        "changé après le décompte de ses pas. Recommencez au calme, ou donnez le budget en images.",
    ),
    "own-schedules": (
        "Each contender follows its own full schedule, which is declared and not equal: {each}. Judge accuracy beside "
        "what it took.",
        "Chaque concurrent suit son propre programme complet, ce qui est déclaré mais n'est pas égal : {each}. Lisez "
        "l'exactitude à côté de ce qu'elle a coûté.",
    ),
    "steps-of-other-sizes": (
        "The budget is in optimizer steps and the batches differ, so the contenders saw different numbers of images: "
        "{each}. For an equal budget give --images or --seconds.",
        "Le budget est en pas d'optimisation et les lots diffèrent ; les concurrents ont donc vu des nombres d'images "
        "différents : {each}. Pour un budget égal, donnez --images ou --seconds.",
    ),
    "other-rules": (
        "{who}: other rules than the rest ({other}; the rest: {usual}). It was not one fair race. Run all contenders "
        "in one study.",
        "{who} : d'autres règles que le reste ({other} ; le reste : {usual}). Ce n'était pas une même course "
        "équitable. Entraînez tous les concurrents dans une même étude.",
    ),
    "other-tuning": (
        "The recipes were not tuned with the same effort: {each}. The best of many trials beats the only one of "
        "another, whatever the architecture. Tune all contenders with the same number of trials, or none.",
        "Les recettes n'ont pas été réglées avec le même effort : {each}. Le meilleur de nombreux essais bat l'essai "
        "unique d'un autre, quelle que soit l'architecture. Réglez-les tous avec autant d'essais, ou aucun.",
    ),
    "search-seeds-again": (
        "{who}: judged on seeds that its recipe was chosen with ({seeds}), which flatters it. Give the final "
        "runs seeds of their own.",
        "{who} : des graines qui avaient déjà servi à choisir la recette ({seeds}), ce qui la flatte. Donnez aux "
        "entraînements finals leurs propres graines.",
    ),
    "changed-recipe": (
        "{who}: not the same recipe with every seed, so its runs are not runs of one contender. Give changed recipes "
        "names of their own.",
        "{who} : pas la même recette avec chaque graine ; ce ne sont pas les entraînements d'un même concurrent. "
        "Donnez un nom propre à chaque recette modifiée.",
    ),
    "changed-weights": (
        "{who}: not the same starting weights with every seed, so its runs are not runs of one contender. Name the "
        "weights with --weights.",
        "{who} : pas les mêmes poids de départ avec chaque graine ; ce ne sont pas les entraînements d'un même "
        "concurrent. Nommez les poids avec --weights.",
    ),
    "pretrained": (
        "{each}: started from weights that were trained before; the others start from random ones. A "
        "lead may be the pretraining's, not the architecture's. Read them with their mark.",
        "{each} : départ de poids déjà entraînés ; les autres partent de poids aléatoires. Une "
        "avance peut venir du préentraînement, et non de l'architecture. Lisez-les avec leur marque.",
    ),
    # ------------------------------------------------------------------------------------- seeds and test
    "missing-seeds": (
        "{who}: lacks seeds that others have ({seeds}). Runs that are left out can hide failures, and the rest are no "
        "pairs. Finish the study with --resume.",
        "{who} : il manque des graines que d'autres ont ({seeds}). Ce qui est laissé de côté peut cacher des échecs, "
        "et le reste ne forme pas des paires. Terminez l'étude avec --resume.",
    ),
    "few-seeds": (
        "Paired seeds planned: {seeds}. Below {least}, no exact paired test over seeds can reach p < .05 for this "
        "number of contenders, so the study can only speak of these runs, not of architectures. Give --seeds {list} or "
        "more; ten for claims.",
        "Graines appariées prévues : {seeds}. En dessous de {least}, aucun test apparié exact sur les graines "
        "n'atteint p < 0,05 pour autant de concurrents ; l'étude ne parlera que de ces entraînements, pas des "
        "architectures. Donnez --seeds {list} ou plus ; dix pour affirmer.",
    ),
    "test-accesses": (
        "{who}: the test images were not opened exactly once (up to {accesses} times). Whoever looks twice can "
        "choose, so those scores are not to be trusted. Delete these runs and train again.",
        "{who} : les images de test n'ont pas été ouvertes exactement une fois (jusqu'à {accesses}). Qui regarde deux "
        "fois peut choisir ; ces scores ne sont pas fiables. Supprimez ces entraînements et recommencez.",
    ),
    # ------------------------------------------------------------------------------------- machines
    "other-threads": (
        "{who}: other threads than the rest ({other} against {usual}), so times cannot be compared, and sums may be "
        "rounded differently. Give the same --threads.",
        "{who} : un autre nombre de fils d'exécution que le reste ({other} contre {usual}) ; les durées ne se "
        "comparent pas et les sommes peuvent s'arrondir autrement. Donnez le même --threads.",
    ),
    "other-machines": (
        "{who}: another machine than the rest ({other} against {usual}), so times cannot be compared. Run one "
        "comparison on one machine.",
        "{who} : une autre machine que le reste ({other} contre {usual}) ; les durées ne se comparent pas. Faites une "
        "comparaison sur une seule machine.",
    ),
    "other-devices": (
        "{who}: another device than the rest ({other} against {usual}), so times cannot be compared. Give the same "
        "--device.",
        "{who} : un autre appareil que le reste ({other} contre {usual}) ; les durées ne se comparent pas. Donnez le "
        "même --device.",
    ),
    "other-precisions": (
        "{who}: another precision than the rest ({other} against {usual}), which changes results and times. Give the "
        "same --precision.",
        "{who} : une autre précision numérique que le reste ({other} contre {usual}), ce qui change résultats et "
        "durées. Donnez le même --precision.",
    ),
    "other-versions": (
        "{who}: other versions than the rest ({other} against {usual}), which may change results and times. Train all "
        "contenders in one environment.",
        "{who} : d'autres versions que le reste ({other} contre {usual}), ce qui peut changer résultats et durées. "
        "Entraînez tous les concurrents dans un même environnement.",
    ),
    "other-commits": (
        "{who}: trained by another commit of eyechart than the rest ({other} against {usual}). Look at what changed "
        "between them before relying on small differences.",
        "{who} : code d'un autre commit d'eyechart que le reste ({other} contre {usual}). Regardez ce qui a "
        "changé avant de vous fier à de petits écarts.",
    ),
    "dirty-code": (
        "{who}: the code has changes that are in no commit, so nobody else can repeat this. Commit first.",
        "{who} : le code a des modifications hors de tout commit ; personne d'autre ne peut répéter cela. Faites "
        "d'abord un commit.",
    ),
    "foreign-load": (
        "{who}: other programs took up to {load} of the machine while it trained, so times are not to be trusted; "
        "scores are not concerned unless the budget is in seconds. Repeat on a quiet machine.",
        "{who} : d'autres programmes ont pris jusqu'à {load} de la machine pendant l'entraînement ; les durées ne "
        "sont pas fiables, les scores ne sont touchés que si le budget est en secondes. Recommencez au calme.",
    ),
    "shared-machine": (
        "{who}: {at_once} runs at once on one machine (--jobs), so times are shared and nothing is claimed of them; "
        "scores are those of runs alone with the same threads. For times, run without --jobs.",
        "{who} : {at_once} entraînements à la fois sur une machine (--jobs) ; les durées sont partagées et rien n'en "
        "est affirmé, les scores sont ceux d'entraînements seuls avec autant de fils. Pour des durées, lancez sans "
        "--jobs.",
    ),
    "uneven-machine": (
        "{who}: the machine's own matrix product was {ratio} times as fast at one end of the training as at the "
        "other, so times are not to be trusted. Let the machine cool, leave it alone, and repeat.",
        "{who} : le produit matriciel de la machine était {ratio} fois plus rapide à un bout de l'entraînement qu'à "
        "l'autre ; les durées ne sont pas fiables. Laissez la machine refroidir, sans autre travail, et recommencez.",
    ),
    "busy-now": (
        "Other programs take {busy} of this machine right now. Times would be spoiled, and budgets in seconds "
        "unequal. End them first.",
        "D'autres programmes prennent {busy} de cette machine en ce moment. Les durées seraient faussées et les "
        "budgets en secondes inégaux. Arrêtez-les d'abord.",
    ),
    "too-many-threads": (
        "{threads} threads are planned on {cores} cores: they wait for each other, and times say little. Give "
        "--threads {cores} or fewer.",
        "{threads} fils d'exécution sont prévus sur {cores} cœurs : ils s'attendent, et les durées disent peu. Donnez "
        "--threads {cores} ou moins.",
    ),
    "resumed": (
        "{who}: stopped and resumed; times are sums of the active stretches.",
        "{who} : arrêt puis reprise ; les durées sont des sommes des périodes actives.",
    ),
    "damaged-checkpoint": (
        "{who}: its newest checkpoint was found damaged, and it went on from the one before; the steps between were "
        "done again, to the same bits. Look at the disk.",
        "{who} : son dernier point de reprise était endommagé, et l'entraînement a repris du précédent ; les pas "
        "entre les deux ont été refaits, au bit près. Examinez le disque.",
    ),
    **ALARM_SENTENCES,
}
