"""The sentences of findings on learning, scores and files, in the form of finding_sentences.py."""

ALARM_SENTENCES: dict[str, tuple[str, str]] = {
    # ------------------------------------------------------------------------------------- learning
    "diverged": (
        "{who}: diverged. A run that diverges counts as a failure of its contender and is not replaced: its scores are "
        "those of a guess, in tables and verdicts. Times and curves are those of the finished runs. Lower its learning "
        "rate.",
        "{who} : entraînement divergent. Il compte comme un échec du concurrent et n'est pas remplacé : ses scores "
        "sont ceux d'une réponse au hasard, dans les tableaux et les verdicts. Durées et courbes sont celles des "
        "entraînements achevés. Baissez le taux d'apprentissage.",
    ),
    "constant-answers": (
        "{who}: answers “{class}” for nearly every image, after {steps} steps. That alone gives an accuracy of "
        "{accuracy} (F1 of that class {class_f1}, weighted F1 {weighted_f1}, macro F1 {macro_f1}), so nothing was "
        "learned. Look at learning rate, labels and loss.",
        "{who} : répond « {class} » pour presque toutes les images, après {steps} pas. Cela seul donne une exactitude "
        "de {accuracy} (F1 de cette classe {class_f1}, F1 pondéré {weighted_f1}, F1 macro {macro_f1}) ; rien n'a été "
        "appris. Vérifiez le taux d'apprentissage, les étiquettes et la perte.",
    ),
    "loss-at-chance": (
        "{who}: the loss is stuck at {loss}; ln {classes} = {chance} is that of somebody who knows nothing, and the "
        "accuracy ({accuracy}) agrees, after {steps} steps. Look at learning rate, labels, and whether gradients "
        "reach the layers.",
        "{who} : la perte reste à {loss} ; ln {classes} = {chance} est celle de qui ne sait rien, et l'exactitude "
        "({accuracy}) le confirme, après {steps} pas. Vérifiez le taux d'apprentissage, les étiquettes et les "
        "gradients.",
    ),
    "memorised": (
        "{who}: the training loss fell from {first} to {last} while the test stays at chance ({accuracy}). This is "
        "what shuffled or wrongly matched labels look like. Look at images beside their labels.",
        "{who} : la perte d'entraînement est passée de {first} à {last} et le test reste au hasard ({accuracy}). "
        "C'est l'aspect d'étiquettes mélangées ou décalées. Regardez des images à côté de leurs étiquettes.",
    ),
    "head-too-little": (
        "{who}: trains {share} of its weights, and that does not fit even the images that it learns from: after "
        "{steps} steps a training loss of {loss} beside {validation_loss} on validation, of which {accuracy} are "
        "right. What stands still does not tell these classes apart. Open more (last, full, gradual), or look "
        "whether the head learns too slowly (eyechart lr-find).",
        "{who} : entraîne {share} de ses poids, ce qui ne suffit même pas aux images d'entraînement : après {steps} "
        "pas, une perte d'entraînement de {loss} contre {validation_loss} en validation, dont {accuracy} de justes. "
        "Ce qui est gelé ne distingue pas ces classes. Ouvrez davantage (last, full, gradual), ou voyez si la tête "
        "apprend trop lentement (eyechart lr-find).",
    ),
    "unknown-pixels": (
        "{who}: {weights} does not say which mean and standard deviation its pixels had, so those of the train part "
        "are taken ({mean} and {std}). Weights that were trained on other pixels give features that mean little. Give "
        "them by name (imagenet, hed, a run), or as a file that eyechart wrote.",
        "{who} : {weights} ne dit pas quels étaient la moyenne et l'écart-type de ses pixels ; ceux de la partie "
        "d'entraînement sont pris ({mean} et {std}). Des poids entraînés sur d'autres pixels donnent des "
        "caractéristiques qui ne veulent pas dire grand-chose. Donnez-les par leur nom (imagenet, hed, un "
        "entraînement), ou dans un fichier écrit par eyechart.",
    ),
    "scaled-to-nothing": (
        "{who}: what the network is fed varies by {fed_std} only (standard deviation over {images} train images, mean "
        "{fed_mean}); less than {least_std} is what pictures look like that were divided by 255 twice. Nearly nothing "
        "of them is left. Look at the values in the image files, and at what scales them.",
        "{who} : ce que reçoit le réseau ne varie que de {fed_std} (écart-type sur {images} images d'entraînement, "
        "moyenne {fed_mean}) ; moins de {least_std}, c'est l'aspect d'images divisées deux fois par 255. Il n'en reste "
        "presque rien. Vérifiez les valeurs dans les fichiers d'images, et ce qui les met à l'échelle.",
    ),
    "frozen-part-moved": (
        "{who}: {tensors} tensors of what the recipe freezes changed while the rest was trained, {first_tensor} first. "
        "A batch norm that goes on counting does that, and the frozen part is then no longer the one that was "
        "pretrained. Keep frozen modules in eval() while the rest is trained.",
        "{who} : {tensors} tenseurs de ce que la recette gèle ont changé pendant que le reste apprenait, d'abord "
        "{first_tensor}. Une normalisation par lots qui continue à compter fait cela, et la partie gelée n'est alors "
        "plus celle qui a été préentraînée. Mettez les modules gelés en mode eval() pendant tout l'entraînement.",
    ),
    "softmax-twice": (
        "{who}: no probability exceeds {most}, just as when a softmax is applied twice (at most {cap} for {classes} "
        "classes), although {accuracy} of the answers are right. The loss then cannot fall below {floor}. Give the "
        "cross-entropy logits.",
        "{who} : aucune probabilité ne dépasse {most}, comme quand un softmax est appliqué deux fois (au plus {cap} "
        "pour {classes} classes), alors que {accuracy} des réponses sont justes. La perte ne peut alors descendre "
        "sous {floor}. Donnez des logits à l'entropie croisée.",
    ),
    "loss-at-floor": (
        "{who}: the training loss stays at {loss} although validation is good ({accuracy}). {floor} is the floor of a "
        "cross-entropy over {classes} classes that is given probabilities. Give it logits.",
        "{who} : la perte d'entraînement reste à {loss} alors que la validation est bonne ({accuracy}). {floor} est "
        "le plancher d'une entropie croisée à {classes} classes qui reçoit des probabilités. Donnez-lui des logits.",
    ),
    "loss-zero": (
        "{who}: a {part} loss of {loss}. No cross-entropy of real answers is 0 or less: the labels may stand in the "
        "input, or the loss is computed wrongly.",
        "{who} : une perte de {loss} (partie {part}). Aucune entropie croisée de vraies réponses n'est nulle ou "
        "négative : les étiquettes sont peut-être dans l'entrée, ou la perte est mal calculée.",
    ),
    "same-weights": (
        "{who}: identical weights from different seeds, so they are one run, counted several times. Train again.",
        "{who} : des poids identiques pour des graines différentes ; c'est un seul entraînement, compté plusieurs "
        "fois. Recommencez.",
    ),
    "barely-trained": (
        "{who}: at most {steps} optimizer steps, fewer than {least}. This shows that everything works, not how well; "
        "whether it learns is not judged.",
        "{who} : au plus {steps} pas d'optimisation, moins de {least}. Cela montre que tout fonctionne, non ce "
        "que valent les résultats ; on ne juge pas si le concurrent apprend.",
    ),
    # ------------------------------------------------------------------------------------- scores and files
    "scores-contradict": (
        "{who}: the {part} {score} is stated as {stated}, and {follows} follows from the confusion matrix. The run "
        "file was changed or miscounted. Train again.",
        "{who} : {score} (partie {part}) annoncé(e) à {stated}, alors que {follows} découle de la matrice de "
        "confusion. Le fichier a été modifié ou mal compté. Recommencez.",
    ),
    "scores-not-from-answers": (
        "{who}: the {part} {score} is stated as {stated}, and {follows} follows from the stored answers. One of the "
        "files was changed. Train again.",
        "{who} : {score} (partie {part}) annoncé(e) à {stated}, alors que {follows} découle des réponses conservées. "
        "Un des fichiers a été modifié. Recommencez.",
    ),
    "f1-far-from-accuracy": (
        "{who}: macro F1 is {macro_f1} and accuracy {accuracy}: some classes are hardly ever found (“{class}” has F1 "
        "{class_f1}). Judge by the scores of each class.",
        "{who} : le F1 macro est de {macro_f1} et l'exactitude de {accuracy} : certaines classes ne sont presque "
        "jamais trouvées (« {class} » a un F1 de {class_f1}). Jugez par les scores de chaque classe.",
    ),
    "renamed-classes": (
        "{who}: {accuracy} of the answers are right, and {renamed} would be if the classes had other numbers. Class "
        "ids were mixed up between training and test.",
        "{who} : {accuracy} des réponses sont justes, et {renamed} le seraient si les classes avaient d'autres "
        "numéros. Les numéros de classe ont été mêlés entre entraînement et test.",
    ),
    "validation-above-test": (
        "{who}: {validation} right on validation and {test} on test, further apart than chance allows. Training "
        "images got into validation, or the test images are of another kind. Look where each part comes from.",
        "{who} : {validation} de justes en validation et {test} au test, un écart que le hasard n'explique pas. Des "
        "images d'entraînement sont dans la validation, ou les images de test sont d'une autre nature. Vérifiez "
        "l'origine de chaque partie.",
    ),
    "test-above-validation": (
        "{who}: {test} right on test and only {validation} on validation, further apart than chance allows. The test "
        "was trained on, or is easier. Look where each part comes from.",
        "{who} : {test} de justes au test et seulement {validation} en validation, un écart que le hasard n'explique "
        "pas. Le test a servi à l'entraînement, ou il est plus facile. Vérifiez l'origine de chaque partie.",
    ),
    "impossible-speed": (
        "{who}: trained at {mfu} of the speed of this machine's own matrix product, which cannot be. A clock or the "
        "count of operations is wrong, or the machine was busy when its product was timed.",
        "{who} : entraînement à {mfu} de la vitesse du produit matriciel de la machine, ce qui est impossible. Une "
        "horloge ou le compte des opérations est faux, ou la machine était occupée lors de la mesure.",
    ),
    "predictions-changed": (
        "{who}: the stored answers are not those that the run file was made with (hash {stored}, expected {stated}). "
        "Train again.",
        "{who} : les réponses conservées ne sont pas celles du fichier de l'entraînement (empreinte {stored}, "
        "attendue {stated}). Recommencez.",
    ),
    "items-changed": (
        "{who}: the stored {part} images or labels are not those that the run was judged on (hash {stored}, expected "
        "{stated}). Train again.",
        "{who} : les images ou étiquettes conservées (partie {part}) ne sont pas celles du jugement (empreinte "
        "{stored}, attendue {stated}). Recommencez.",
    ),
    "misfit": (
        "{who}: what is stored for the {part} part does not fit the run: {found}, where {items} answers were judged. "
        "Delete the run's folder and run with --resume.",
        "{who} : ce qui est conservé pour la partie {part} ne va pas avec l'entraînement : {found}, alors que {items} "
        "réponses ont été jugées. Supprimez le dossier et relancez avec --resume.",
    ),
    "not-probabilities": (
        "{who}: {rows} of the stored {part} answers are no probabilities (from 0 to 1, sum 1), so losses and "
        "calibration mean nothing. Train again.",
        "{who} : {rows} des réponses conservées (partie {part}) ne sont pas des probabilités (de 0 à 1, de somme 1) ; "
        "pertes et calibration n'ont pas de sens. Recommencez.",
    ),
    "same-box": (
        "{who}: the best box is the same on {share} of {images} test images, although what is to be found lies in many "
        "places. Boxes are not learned from the pictures: look at learning rate, anchors, and boxes beside images.",
        "{who} : la meilleure boîte est la même sur {share} de {images} images de test, alors que les objets sont en "
        "bien des endroits. Les boîtes ne viennent pas des images : vérifiez le taux d'apprentissage, les ancres, et "
        "les boîtes sur les images.",
    ),
    "boxes-not-from-answers": (
        "{who}: the run file states a mAP of {stated}, and the stored boxes give {follows}. One of the two was "
        "changed. Train again.",
        "{who} : le fichier annonce un mAP de {stated}, et les boîtes conservées donnent {follows}. L'un des deux a "
        "été modifié. Recommencez.",
    ),
    "no-predictions": (
        "{who}: the stored answers are gone or damaged, so they are compared by their scores alone, without the "
        "test images, and the scores are taken as the run file states them.",
        "{who} : réponses conservées absentes ou abîmées ; comparaison par les seuls scores, sans les images de test, "
        "et ces scores sont repris tels quels.",
    ),
    "not-checked": (
        "{who}: stored answers or labels are missing or damaged, so the scores could not be made anew and are taken "
        "as the run file states them.",
        "{who} : des réponses ou étiquettes conservées manquent ou sont abîmées ; les scores n'ont pas pu être "
        "recalculés et sont repris tels quels.",
    ),
}
