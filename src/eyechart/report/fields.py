"""The fields of a record as facts for people: a readable name and a value, in both languages."""

from __future__ import annotations

from pydantic import BaseModel

from eyechart.words.numbers import and_more
from eyechart.words.speech import Speech

Facts = list[tuple[str, str]]  # name, value
MOST_LISTED = 60  # of a list; as many classes as figures draw

# Field names are English already; these are their French.  A test sees to it that none is missing.
FRENCH = {
    # rules, budget, augmentation
    "preset": "préréglage", "dataset": "jeu de données", "budget": "budget", "img_size": "taille des images",
    "label_noise": "part d'étiquettes fausses", "num_mislabelled": "nombre d'étiquettes fausses",
    "fraction": "part de l'entraînement", "validation_fraction": "part de la validation",
    "least_validation_images": "images de validation au moins",
    "max_test_images": "images de test au plus", "num_evaluations": "nombre d'évaluations", "device": "appareil",
    "num_threads": "nombre de fils d'exécution", "precision": "précision numérique", "unit": "unité",
    "amount": "quantité", "shift_pixels": "décalage en pixels", "rotate_degrees": "rotation en degrés",
    "scale_fraction": "échelle", "shear_degrees": "cisaillement en degrés", "flip": "miroir",
    "mixing": "mélange", "clean_fraction": "part d'images intactes", "num_chains": "nombre de chaînes",
    "most_operations": "opérations par chaîne au plus", "operations": "opérations", "finishes": "finitions",
    "looking": "regards en cours de route", "most_seeds": "graines au plus", "alpha": "niveau alpha",
    # recipe
    "contender": "concurrent", "title": "titre", "epochs": "époques", "batch_size": "taille de lot",
    "optimizer": "optimiseur", "learning_rate": "taux d'apprentissage", "weight_decay": "décroissance des poids",
    "momentum": "inertie", "schedule": "programme du taux", "warmup_fraction": "part de montée en régime",
    "label_smoothing": "lissage des étiquettes", "clip_norm": "norme maximale du gradient",
    "augmentation": "augmentation", "input_pixels": "pixels d'entrée", "fit": "mise à la taille",
    "normalise": "pixels normalisés", "weights": "poids",
    "frozen_stages": "étages gelés", "open_last": "derniers étages ouverts", "trunk_rate": "taux du tronc",
    "layer_decay": "décroissance du taux par étage", "gradual": "ouverture progressive",
    "cache_frozen": "étages gelés en cache",
    "cache_passes": "passages sur le cache", "options": "options", "source": "source", "expect": "attendu",
    "tuning": "réglage", "tuned": "réglé",
    # dataset, splits, preprocessing
    "name": "nom", "licence": "licence", "content_sha256": "sha256 du contenu", "classes": "classes",
    "num_channels": "nombre de canaux", "height": "hauteur", "width": "largeur",
    "num_train": "nombre d'images d'entraînement", "num_validation": "nombre d'images de validation",
    "num_test": "nombre d'images de test", "train_sha256": "sha256 de l'entraînement",
    "validation_sha256": "sha256 de la validation", "test_sha256": "sha256 du test",
    "num_shared": "images communes à deux parties", "missing_classes": "classes absentes",
    "plain_classes": "classes d'images unies", "picture_rule": "règle de lecture des images",
    "task": "tâche",
    "image_channels": "canaux de l'image", "image_height": "hauteur de l'image", "image_width": "largeur de l'image",
    "input_channels": "canaux d'entrée", "input_height": "hauteur d'entrée", "input_width": "largeur d'entrée",
    "mean": "moyenne", "std": "écart type", "fed": "reçu par le réseau",
    "moved": "gelés, mais changés", "num_images": "nombre d'images",
    "ink": "encre", "is_bright": "encre claire", "box_side": "côté de la boîte", "stroke": "épaisseur du trait",
    "centred_by": "centré par", "centre": "centre", "centre_spread": "écart du centre", "boxes": "boîtes",
    "strokes": "épaisseurs des traits", "shares": "parts d'encre", "aspects": "proportions",
    # plan, weights, boxes
    "num_steps": "nombre de pas", "num_train_images": "nombre d'images d'entraînement",
    "num_cached_images": "nombre d'images en cache", "step_seconds": "secondes par pas",
    "description": "description", "sha256": "sha256", "pretrained_on": "pré-entraîné sur",
    "knows_pixels": "pixels connus", "mean_iou": "IoU moyenne",
    "map": "mAP", "map50": "mAP à IoU 0,50", "map75": "mAP à IoU 0,75", "found_fraction": "part des images avec boîte",
    "num_boxes": "nombre de boîtes",
    "map_small": "mAP, petites boîtes", "map_medium": "mAP, boîtes moyennes", "map_large": "mAP, grandes boîtes",
    "mar_1": "rappel moyen, 1 boîte", "mar_10": "rappel moyen, 10 boîtes", "mar_100": "rappel moyen, 100 boîtes",
    "mar_small": "rappel moyen, petites boîtes", "mar_medium": "rappel moyen, boîtes moyennes",
    "mar_large": "rappel moyen, grandes boîtes",
    # machine
    "hostname": "machine", "platform": "plateforme", "cpu": "processeur", "num_cores": "nombre de cœurs",
    "num_machine_cores": "nombre de cœurs de la machine",
    "python": "python", "versions": "versions", "commit": "commit",
}  # fmt: skip


def facts(record: BaseModel, say: Speech, leave_out: tuple[str, ...] = ()) -> Facts:
    """The fields of a record under readable names."""
    names = [name for name in type(record).model_fields if name not in leave_out]
    return [(field_name(name, say), value_text(getattr(record, name), say)) for name in names]


def field_name(name: str, say: Speech) -> str:
    readable = name.replace("_", " ").replace("num ", "number of ", 1)
    return say(readable, FRENCH.get(name, readable))


def value_text(value: object, say: Speech) -> str:
    """A value of a record; texts stay as they stand in the file."""
    if isinstance(value, BaseModel):
        value = value.model_dump(exclude_defaults=True)
    if isinstance(value, dict):
        each = [f"{field_name(str(key), say)} {value_text(one, say)}" for key, one in value.items()]
        return ", ".join(each) or say("none", "aucun")
    if isinstance(value, tuple | list):
        inner = [value_text(one, say) for one in value[:MOST_LISTED]]
        each = [f"({text})" if isinstance(one, tuple | list) else text for one, text in zip(value, inner, strict=False)]
        if len(value) > MOST_LISTED:
            more = and_more(len(value) - MOST_LISTED, say.lang)
            each.append(say(f"{more}, in the run file", f"{more}, dans le fichier de l'entraînement"))
        return ", ".join(each)
    if isinstance(value, bool):
        return say("yes", "oui") if value else say("no", "non")
    if isinstance(value, float):
        return say.plain(float(f"{value:.6g}"))
    if isinstance(value, int):
        return say.count(value)
    return "–" if value is None or value == "" else str(value)
