"""Messages of imagery for users."""

from argus.core.languages import Entry, Messages, Text


def _damaged(en: str, fr: str, es: str) -> Text:
    """A sentence about a damaged file, followed by what to do."""
    return Text(
        en=f"{en} Upload an undamaged copy of the file.",
        fr=f"{fr} Téléversez une copie intacte du fichier.",
        es=f"{es} Suba una copia intacta del archivo.",
    )


def _not_radiometric(en: str, fr: str, es: str) -> Text:
    """A sentence about a file without temperatures, followed by what to do."""
    return Text(
        en=f"{en} Upload the camera’s original radiometric file.",
        fr=f"{fr} Téléversez le fichier radiométrique original de la caméra.",
        es=f"{es} Suba el archivo radiométrico original de la cámara.",
    )


def _unconvertible(en: str, fr: str, es: str) -> Text:
    """A sentence about a file that Argus cannot convert, followed by what to do."""
    return Text(
        en=f"{en} Upload a 16-bit TIFF of temperatures instead.",
        fr=f"{fr} Téléversez plutôt un TIFF de températures de 16 bits.",
        es=f"{es} Suba en su lugar un TIFF de temperaturas de 16 bits.",
    )


def _for_a_decoder(en: str, fr: str, es: str) -> Text:
    """A sentence about a DJI file that only DJI's software can convert, followed by what to do."""
    return Text(
        en=f"{en} Upload a 16-bit TIFF of temperatures instead, or ask the operator of Argus for an external decoder.",
        fr=f"{fr} Téléversez plutôt un TIFF de températures de 16 bits, ou demandez un décodeur externe à l’exploitant "
        "d’Argus.",
        es=f"{es} Suba en su lugar un TIFF de temperaturas de 16 bits, o pida al operador de Argus un decodificador "
        "externo.",
    )


MESSAGES: Messages = {
    "damaged": Entry(
        Text(
            en="Damaged file",
            fr="Fichier endommagé",
            es="Archivo dañado",
        ),
        details={
            "dji_pixels": _damaged(
                en="The file contains {size_bytes} bytes of pixel data, which is not the size of an image of a DJI "
                "camera.",
                fr="Le fichier contient {size_bytes} octets de données de pixels, ce qui ne correspond pas à la taille "
                "d’une image d’une caméra DJI.",
                es="El archivo contiene {size_bytes} bytes de datos de píxeles, que no corresponden al tamaño de una "
                "imagen de una cámara DJI.",
            ),
            "fff_directory": _damaged(
                en="The directory of the FFF file claims {records} records, which do not fit into the file.",
                fr="Le répertoire du fichier FFF annonce {records} enregistrements, que le fichier ne peut contenir.",
                es="El directorio del archivo FFF declara {records} registros, que no caben en el archivo.",
            ),
            "fff_header": _damaged(
                en="The FLIR data has no FFF header.",
                fr="Les données FLIR n’ont pas d’en-tête FFF.",
                es="Los datos FLIR no tienen cabecera FFF.",
            ),
            "flir_calibration": _damaged(
                en="The FLIR file has no record of the camera’s calibration.",
                fr="Le fichier FLIR n’a pas d’enregistrement de l’étalonnage de la caméra.",
                es="El archivo FLIR no tiene un registro de la calibración de la cámara.",
            ),
            "flir_part_count": _damaged(
                en="The parts of the FLIR data disagree about how many parts there are.",
                fr="Les parties des données FLIR n’indiquent pas toutes le même nombre de parties.",
                es="Las partes de los datos FLIR no indican todas el mismo número de partes.",
            ),
            "flir_part_missing": _damaged(
                en="The FLIR data is incomplete: {present} of {expected} parts are present.",
                fr="Les données FLIR sont incomplètes ; parties présentes : {present} sur {expected}.",
                es="Los datos FLIR están incompletos; partes presentes: {present} de {expected}.",
            ),
            "flir_part_repeated": _damaged(
                en="A part of the FLIR data occurs twice.",
                fr="Une partie des données FLIR figure deux fois.",
                es="Una parte de los datos FLIR aparece dos veces.",
            ),
            "flir_pixels": _damaged(
                en="The FLIR file contains {size_bytes} bytes of pixels, too few for {width} × {height} pixels.",
                fr="Le fichier FLIR contient {size_bytes} octets de pixels, trop peu pour {width} × {height} pixels.",
                es="El archivo FLIR contiene {size_bytes} bytes de píxeles, muy pocos para {width} × {height} píxeles.",
            ),
            "flir_record_end": _damaged(
                en="Record {record:#x} of the FLIR file, of {size_bytes} bytes, extends past the end of the file.",
                fr="L’enregistrement {record:#x} du fichier FLIR, de {size_bytes} octets, dépasse la fin du fichier.",
                es="El registro {record:#x} del archivo FLIR, de {size_bytes} bytes, sobrepasa el final del archivo.",
            ),
            "flir_record_short": _damaged(
                en="A record of the FLIR file ends before its byte {position}.",
                fr="Un enregistrement du fichier FLIR se termine avant son octet {position}.",
                es="Un registro del archivo FLIR termina antes de su byte {position}.",
            ),
            "jpeg_marker": _damaged(
                en="The JPEG has no segment at byte {position}, where one should begin.",
                fr="Le JPEG n’a pas de segment à l’octet {position}, où un segment devrait commencer.",
                es="El JPEG no tiene ningún segmento en el byte {position}, donde debería comenzar uno.",
            ),
            "jpeg_segment": _damaged(
                en="The JPEG segment at byte {position} does not fit into the file.",
                fr="Le segment JPEG à l’octet {position} ne tient pas dans le fichier.",
                es="El segmento JPEG en el byte {position} no cabe en el archivo.",
            ),
            "jpeg_segments": _damaged(
                en="The JPEG has more than {max_segments} segments.",
                fr="Le JPEG a plus de {max_segments} segments.",
                es="El JPEG tiene más de {max_segments} segmentos.",
            ),
            "png_header": _damaged(
                en="The PNG in the FLIR file does not begin with a complete header.",
                fr="Le PNG du fichier FLIR ne commence pas par un en-tête complet.",
                es="El PNG del archivo FLIR no comienza con una cabecera completa.",
            ),
            "png_pixels": _damaged(
                en="The PNG in the FLIR file cannot be decompressed completely.",
                fr="Le PNG du fichier FLIR ne peut pas être décompressé entièrement.",
                es="El PNG del archivo FLIR no se puede descomprimir por completo.",
            ),
            "png_size": _damaged(
                en="The PNG in the FLIR file does not have the {width} × {height} pixels that its record states.",
                fr="Le PNG du fichier FLIR n’a pas les {width} × {height} pixels qu’indique son enregistrement.",
                es="El PNG del archivo FLIR no tiene los {width} × {height} píxeles que indica su registro.",
            ),
            "tiff_directory": _damaged(
                en="The directory of the TIFF cannot be read.",
                fr="Le répertoire du TIFF est illisible.",
                es="El directorio del TIFF no se puede leer.",
            ),
            "tiff_mismatch": _damaged(
                en="The pixels of the TIFF do not match its directory.",
                fr="Les pixels du TIFF ne correspondent pas à son répertoire.",
                es="Los píxeles del TIFF no coinciden con su directorio.",
            ),
            "tiff_pixels": _damaged(
                en="The pixels of the TIFF cannot be read.",
                fr="Les pixels du TIFF sont illisibles.",
                es="Los píxeles del TIFF no se pueden leer.",
            ),
            "tiff_scale": Text(
                en="The temperature scale in the TIFF is not a number. Declare the scale when you upload the file.",
                fr="L’échelle de température du TIFF n’est pas un nombre. Déclarez l’échelle lors du téléversement.",
                es="La escala de temperatura del TIFF no es un número. Declare la escala al subir el archivo.",
            ),
            "tiff_tags": _damaged(
                en="The directory of the TIFF contains a tag twice, or more than {max_tags} tags.",
                fr="Le répertoire du TIFF contient une balise en double, ou plus de {max_tags} balises.",
                es="El directorio del TIFF contiene una etiqueta repetida o más de {max_tags} etiquetas.",
            ),
        },
    ),
    "damaged_picture": Entry(
        Text(
            en="Stored file damaged",
            fr="Fichier stocké endommagé",
            es="Archivo almacenado dañado",
        ),
        Text(
            en="A picture that Argus stored is damaged. Report this to the operators.",
            fr="Une illustration stockée par Argus est endommagée. Signalez-le aux opérateurs.",
            es="Una ilustración almacenada por Argus está dañada. Comuníquelo a los operadores.",
        ),
    ),
    "fixed_temperatures": Entry(
        Text(
            en="Scene settings cannot be changed",
            fr="Paramètres de la scène non modifiables",
            es="Los parámetros de la escena no se pueden cambiar",
        ),
        Text(
            en="Files of the format {format} contain final temperatures, which scene settings cannot change.",
            fr="Les fichiers au format {format} contiennent des températures définitives, que les paramètres de la "
            "scène ne peuvent pas modifier.",
            es="Los archivos de formato {format} contienen temperaturas definitivas, que los parámetros de la escena "
            "no pueden cambiar.",
        ),
    ),
    "implausible": Entry(
        Text(
            en="Impossible settings or temperatures",
            fr="Paramètres ou températures impossibles",
            es="Parámetros o temperaturas imposibles",
        ),
        details={
            "air": Text(
                en="With the settings in the file, the air would transmit {transmission:.3g} of the radiance: it must "
                "be above 0 and at most 1.",
                fr="Avec les paramètres du fichier, l’air transmettrait {transmission:.3g} de la luminance "
                "énergétique : la valeur doit être supérieure à 0 et ne pas dépasser 1.",
                es="Con los parámetros del archivo, el aire transmitiría {transmission:.3g} de la radiancia: el valor "
                "debe ser mayor que 0 y no superar 1.",
            ),
            "atmospheric_temperature": Text(
                en="The atmospheric temperature of {celsius:g} °C is impossible: it must be above absolute zero and at "
                "most {max_celsius:g} °C.",
                fr="La température atmosphérique de {celsius:g} °C est impossible : elle doit être supérieure au zéro "
                "absolu et ne pas dépasser {max_celsius:g} °C.",
                es="La temperatura atmosférica de {celsius:g} °C es imposible: debe ser superior al cero absoluto y no "
                "superar {max_celsius:g} °C.",
            ),
            "blank": Text(
                en="The image is uniform: every pixel has the same value.",
                fr="L’image est uniforme : tous les pixels ont la même valeur.",
                es="La imagen es uniforme: todos los píxeles tienen el mismo valor.",
            ),
            "calibration": Text(
                en="The camera’s calibration in the file does not fit FLIR’s formula. "
                "Upload an undamaged copy of the file.",
                fr="L’étalonnage de la caméra dans le fichier ne convient pas à la formule de FLIR. "
                "Téléversez une copie intacte du fichier.",
                es="La calibración de la cámara en el archivo no se ajusta a la fórmula de FLIR. "
                "Suba una copia intacta del archivo.",
            ),
            "distance": Text(
                en="The distance of {metres:g} m is impossible: it must be between 0 and {max_metres:g} m.",
                fr="La distance de {metres:g} m est impossible : elle doit être comprise entre 0 et {max_metres:g} m.",
                es="La distancia de {metres:g} m es imposible: debe estar entre 0 y {max_metres:g} m.",
            ),
            "emissivity": Text(
                en="The emissivity {value:g} is impossible: it must be above 0 and at most 1.",
                fr="L’émissivité {value:g} est impossible : elle doit être supérieure à 0 et ne pas dépasser 1.",
                es="La emisividad {value:g} es imposible: debe ser mayor que 0 y no superar 1.",
            ),
            "few_temperatures": Text(
                en="With the calibration in the file, most pixels have no temperature.",
                fr="Selon l’étalonnage du fichier, la plupart des pixels n’ont pas de température.",
                es="Según la calibración del archivo, la mayoría de los píxeles no tienen temperatura.",
            ),
            "no_temperature": Text(
                en="No pixel has a temperature.",
                fr="Aucun pixel n’a de température.",
                es="Ningún píxel tiene temperatura.",
            ),
            "out_of_range": Text(
                en="No pixel is within the temperatures that the camera can measure.",
                fr="Aucun pixel n’est dans les températures que la caméra peut mesurer.",
                es="Ningún píxel está entre las temperaturas que la cámara puede medir.",
            ),
            "missing_setting": Text(
                en="The setting {setting} is missing.",
                fr="Le réglage {setting} manque.",
                es="Falta el ajuste {setting}.",
            ),
            "reflected_temperature": Text(
                en="The reflected temperature of {celsius:g} °C is impossible: it must be above absolute zero and at "
                "most {max_celsius:g} °C.",
                fr="La température réfléchie de {celsius:g} °C est impossible : elle doit être supérieure au zéro "
                "absolu et ne pas dépasser {max_celsius:g} °C.",
                es="La temperatura reflejada de {celsius:g} °C es imposible: debe ser superior al cero absoluto y no "
                "superar {max_celsius:g} °C.",
            ),
            "relative_humidity": Text(
                en="The relative humidity {value:g} is impossible: it must be between 0 and 1.",
                fr="L’humidité relative {value:g} est impossible : elle doit être comprise entre 0 et 1.",
                es="La humedad relativa {value:g} es imposible: debe estar entre 0 y 1.",
            ),
            "scale": Text(
                en="A factor of {factor:g} and an offset of {offset:g} are not a temperature scale. "
                "Declare a factor above 0 when you upload the file.",
                fr="Un facteur de {factor:g} et un décalage de {offset:g} ne forment pas une échelle de température. "
                "Déclarez un facteur supérieur à 0 lors du téléversement.",
                es="Un factor de {factor:g} y un desplazamiento de {offset:g} no son una escala de temperatura. "
                "Declare un factor mayor que 0 al subir el archivo.",
            ),
            "scene": Text(
                en="The median temperature of the image would be {celsius:.0f} °C, which is impossible. Check the "
                "temperature scale and the camera’s settings.",
                fr="La température médiane de l’image serait de {celsius:.0f} °C, ce qui est impossible. Vérifiez "
                "l’échelle de température et les paramètres de la caméra.",
                es="La temperatura mediana de la imagen sería de {celsius:.0f} °C, lo que es imposible. Compruebe la "
                "escala de temperatura y los parámetros de la cámara.",
            ),
            "too_small": Text(
                en="The image has {width} × {height} pixels, which is smaller than any thermal image.",
                fr="L’image compte {width} × {height} pixels, moins que toute image thermique.",
                es="La imagen tiene {width} × {height} píxeles, menos que cualquier imagen térmica.",
            ),
            "window_temperature": Text(
                en="The temperature of the infrared window, {celsius:g} °C, is impossible: it must be above absolute "
                "zero and at most {max_celsius:g} °C.",
                fr="La température de la fenêtre infrarouge, {celsius:g} °C, est impossible : elle doit être "
                "supérieure au zéro absolu et ne pas dépasser {max_celsius:g} °C.",
                es="La temperatura de la ventana infrarroja, {celsius:g} °C, es imposible: debe ser superior al cero "
                "absoluto y no superar {max_celsius:g} °C.",
            ),
            "window_transmission": Text(
                en="The transmission of the infrared window, {value:g}, is impossible: it must be above 0 and at "
                "most 1.",
                fr="La transmission de la fenêtre infrarouge, {value:g}, est impossible : elle doit être supérieure à "
                "0 et ne pas dépasser 1.",
                es="La transmisión de la ventana infrarroja, {value:g}, es imposible: debe ser mayor que 0 y no "
                "superar 1.",
            ),
        },
    ),
    "invalid_picture_link": Entry(
        Text(
            en="Invalid link",
            fr="Lien non valide",
            es="Enlace no válido",
        ),
        Text(
            en="The link to the picture is incomplete or was changed. Copy the whole link, or get the image again.",
            fr="Le lien vers l’illustration est incomplet ou a été modifié. Copiez le lien entier, ou redemandez "
            "l’image.",
            es="El enlace a la ilustración está incompleto o se modificó. Copie el enlace completo u obtenga de nuevo "
            "la imagen.",
        ),
    ),
    "never_uploaded": Entry(
        Text(
            en="Never uploaded",
            fr="Jamais téléversé",
            es="Nunca subido",
        ),
        Text(
            en="The file was not uploaded in time. Request a new upload.",
            fr="Le fichier n’a pas été téléversé à temps. Demandez un nouveau téléversement.",
            es="El archivo no se subió a tiempo. Solicite una nueva subida.",
        ),
    ),
    "no_such_image": Entry(
        Text(
            en="Image not found",
            fr="Image introuvable",
            es="Imagen no encontrada",
        ),
        Text(
            en="Your organisation has no image {image_id}.",
            fr="Votre organisation n’a pas d’image {image_id}.",
            es="Su organización no tiene ninguna imagen {image_id}.",
        ),
    ),
    "no_temperature_scale": Entry(
        Text(
            en="No temperature scale",
            fr="Aucune échelle de température",
            es="Sin escala de temperatura",
        ),
        Text(
            en="The 16-bit TIFF declares no temperature scale. Declare one when you upload the file.",
            fr="Le TIFF de 16 bits ne déclare pas d’échelle de température. Déclarez-en une lors du téléversement.",
            es="El TIFF de 16 bits no declara una escala de temperatura. Declare una al subir el archivo.",
        ),
        details={
            "float": Text(
                en="The TIFF states no unit, and its values could be kelvin. Declare a scale when you upload the file: "
                "factor 1, and offset 0 for °C or -273.15 for kelvin.",
                fr="Le TIFF n’indique pas d’unité, et ses valeurs pourraient être des kelvins. Déclarez une échelle "
                "lors du téléversement : facteur 1, et décalage 0 pour des °C ou -273.15 pour des kelvins.",
                es="El TIFF no indica la unidad, y sus valores podrían ser kelvins. Declare una escala al subir el "
                "archivo: factor 1, y desplazamiento 0 para °C o -273.15 para kelvins.",
            ),
        },
    ),
    "no_temperatures": Entry(
        Text(
            en="No temperatures",
            fr="Aucune température",
            es="Sin temperaturas",
        ),
        Text(
            en="No pixel of the image has a temperature.",
            fr="Aucun pixel de l’image n’a de température.",
            es="Ningún píxel de la imagen tiene temperatura.",
        ),
    ),
    "not_an_image_id": Entry(
        Text(
            en="Invalid image id",
            fr="Identifiant d’image invalide",
            es="Identificador de imagen no válido",
        ),
        Text(
            en="“{text}” is not the id of an image. An image id is img_ followed by 26 characters.",
            fr="« {text} » n’est pas l’identifiant d’une image. Un identifiant d’image se compose de img_ suivi de "
            "26 caractères.",
            es="«{text}» no es el identificador de una imagen. Un identificador de imagen se compone de img_ seguido "
            "de 26 caracteres.",
        ),
    ),
    "not_placed": Entry(
        Text(
            en="Georeference left out",
            fr="Géoréférence omise",
            es="Georreferencia omitida",
        ),
        details={
            "control_points": Text(
                en="The file is placed by control points, which Argus does not keep. The image has no georeference.",
                fr="Le fichier est placé par des points de contrôle, qu’Argus ne conserve pas. L’image n’a pas de "
                "géoréférence.",
                es="El archivo se sitúa mediante puntos de control, que Argus no conserva. La imagen no tiene "
                "georreferencia.",
            ),
            "no_code": Text(
                en="The coordinate system of the file has no EPSG code. The image has no georeference.",
                fr="Le système de coordonnées du fichier n’a pas de code EPSG. L’image n’a pas de géoréférence.",
                es="El sistema de coordenadas del archivo no tiene código EPSG. La imagen no tiene georreferencia.",
            ),
            "unit": Text(
                en="The georeference of the file is in units other than metres. The image has no georeference.",
                fr="La géoréférence du fichier est dans d’autres unités que le mètre. L’image n’a pas de géoréférence.",
                es="La georreferencia del archivo está en unidades distintas del metro. La imagen no tiene "
                "georreferencia.",
            ),
            "transform": Text(
                en="The georeference of the file is impossible. The image has none.",
                fr="La géoréférence du fichier est impossible. L’image n’en a pas.",
                es="La georreferencia del archivo es imposible. La imagen no tiene ninguna.",
            ),
        },
    ),
    "not_radiometric": Entry(
        Text(
            en="No temperatures in the file",
            fr="Aucune température dans le fichier",
            es="El archivo no contiene temperaturas",
        ),
        details={
            "flir_core": _not_radiometric(
                en="The camera core is not radiometric: by the calibration in the file, every pixel has "
                "{celsius:.1f} °C.",
                fr="Le cœur de la caméra n’est pas radiométrique : selon l’étalonnage du fichier, chaque pixel a "
                "{celsius:.1f} °C.",
                es="El núcleo de la cámara no es radiométrico: según la calibración del archivo, todos los píxeles "
                "tienen {celsius:.1f} °C.",
            ),
            "flir_record": _not_radiometric(
                en="The FLIR file has no record of temperatures.",
                fr="Le fichier FLIR n’a pas d’enregistrement de températures.",
                es="El archivo FLIR no tiene un registro de temperaturas.",
            ),
            "format": _not_radiometric(
                en="The file is neither a JPEG, nor an FFF file, nor a TIFF.",
                fr="Le fichier n’est ni un JPEG, ni un fichier FFF, ni un TIFF.",
                es="El archivo no es ni un JPEG, ni un archivo FFF, ni un TIFF.",
            ),
            "jpeg": _not_radiometric(
                en="The JPEG contains a photo but no thermal data.",
                fr="Le JPEG contient une photo, mais aucune donnée thermique.",
                es="El JPEG contiene una fotografía, pero ningún dato térmico.",
            ),
            "tiff": _not_radiometric(
                en="The TIFF contains a picture of 8 bits: temperatures are integers of 16 bits, or floating-point "
                "numbers.",
                fr="Le TIFF contient une image de 8 bits : des températures sont des entiers de 16 bits, ou des "
                "nombres à virgule flottante.",
                es="El TIFF contiene una imagen de 8 bits: las temperaturas son enteros de 16 bits o números de coma "
                "flotante.",
            ),
            "unit": _not_radiometric(
                en="The unit of the TIFF’s values is “{unit}”, neither °C nor kelvin.",
                fr="L’unité des valeurs du TIFF est « {unit} », ni le °C ni le kelvin.",
                es="La unidad de los valores del TIFF es «{unit}», ni °C ni kelvin.",
            ),
        },
    ),
    "image_not_ready": Entry(
        Text(
            en="Image not ready",
            fr="Image non prête",
            es="La imagen no está lista",
        ),
        Text(
            en="The image {image_id} is in the state {state}; this request requires the state ready.",
            fr="L’image {image_id} est dans l’état {state} ; cette requête exige l’état ready.",
            es="La imagen {image_id} está en el estado {state}; esta solicitud requiere el estado ready.",
        ),
    ),
    "not_turned": Entry(
        Text(
            en="Shown as stored",
            fr="Montrée comme enregistrée",
            es="Mostrada como está guardada",
        ),
        Text(
            en="The file asks viewers to turn or mirror the picture (orientation {orientation}). Argus shows the "
            "pixels in the order of the file.",
            fr="Le fichier demande de tourner ou de refléter l’image (orientation {orientation}). Argus montre les "
            "pixels dans l’ordre du fichier.",
            es="El archivo pide girar o reflejar la imagen (orientación {orientation}). Argus muestra los píxeles en "
            "el orden del archivo.",
        ),
    ),
    "not_representable": Entry(
        Text(
            en="Temperatures cannot be stored",
            fr="Températures impossibles à enregistrer",
            es="Las temperaturas no se pueden guardar",
        ),
        details={
            "empty": Text(
                en="An image with the dimensions {shape} has no pixels.",
                fr="Une image de dimensions {shape} n’a pas de pixels.",
                es="Una imagen de dimensiones {shape} no tiene píxeles.",
            ),
            "range": Text(
                en="A temperature of {celsius:.0f} °C does not fit into 16 bits, even in steps of 1 °C.",
                fr="Une température de {celsius:.0f} °C ne tient pas sur 16 bits, même par pas de 1 °C.",
                es="Una temperatura de {celsius:.0f} °C no cabe en 16 bits, ni siquiera en pasos de 1 °C.",
            ),
            "size": Text(
                en="The GeoTIFF would have {size_bytes} bytes, more than the 4 GiB that a TIFF can address.",
                fr="Le GeoTIFF compterait {size_bytes} octets, plus que les 4 Gio qu’un TIFF peut adresser.",
                es="El GeoTIFF tendría {size_bytes} bytes, más de los 4 GiB que un TIFF puede direccionar.",
            ),
        },
    ),
    "outside_image": Entry(
        Text(
            en="Pixel outside the image",
            fr="Pixel hors de l’image",
            es="Píxel fuera de la imagen",
        ),
        Text(
            en="The pixel ({x}, {y}) is outside the image, which has {width} × {height} pixels.",
            fr="Le pixel ({x}, {y}) est hors de l’image, qui compte {width} × {height} pixels.",
            es="El píxel ({x}, {y}) está fuera de la imagen, que tiene {width} × {height} píxeles.",
        ),
    ),
    "too_many_pixels": Entry(
        Text(
            en="Image too large",
            fr="Image trop grande",
            es="Imagen demasiado grande",
        ),
        Text(
            en="The image has {width} × {height} pixels; at most {max_pixels} in all are accepted.",
            fr="L’image compte {width} × {height} pixels ; le maximum est de {max_pixels} au total.",
            es="La imagen tiene {width} × {height} píxeles; se aceptan como máximo {max_pixels} en total.",
        ),
    ),
    "picture_link_expired": Entry(
        Text(
            en="Expired link",
            fr="Lien expiré",
            es="Enlace caducado",
        ),
        Text(
            en="The link to the picture has expired. Get the image again for a new one.",
            fr="Le lien vers l’illustration a expiré. Redemandez l’image pour en obtenir un nouveau.",
            es="El enlace a la ilustración ha caducado. Obtenga de nuevo la imagen para recibir otro.",
        ),
    ),
    "undecodable": Entry(
        Text(
            en="File cannot be decoded",
            fr="Fichier impossible à décoder",
            es="El archivo no se puede decodificar",
        ),
    ),
    "unit_assumed": Entry(
        Text(
            en="Unit assumed",
            fr="Unité supposée",
            es="Unidad supuesta",
        ),
        Text(
            en="The TIFF states no unit. Its values are taken as °C.",
            fr="Le TIFF n’indique pas d’unité. Ses valeurs sont considérées comme des °C.",
            es="El TIFF no indica la unidad. Sus valores se consideran °C.",
        ),
    ),
    "unknown_palette": Entry(
        Text(
            en="Palette not found",
            fr="Palette introuvable",
            es="Paleta no encontrada",
        ),
        Text(
            en="There is no palette “{palette}”. Choose one of these: {palettes}.",
            fr="Il n’existe pas de palette « {palette} ». Choisissez l’une de celles-ci : {palettes}.",
            es="No existe ninguna paleta «{palette}». Elija una de estas: {palettes}.",
        ),
    ),
    "unsupported": Entry(
        Text(
            en="Unsupported file",
            fr="Fichier non pris en charge",
            es="Archivo no admitido",
        ),
        details={
            "big_tiff": Text(
                en="BigTIFF is not supported. Save the image as a classic TIFF.",
                fr="BigTIFF n’est pas pris en charge. Enregistrez l’image en TIFF classique.",
                es="BigTIFF no se admite. Guarde la imagen como TIFF clásico.",
            ),
            "dji_camera": _for_a_decoder(
                en="The conversion of the format {format} was not measured for a DJI {model}.",
                fr="La conversion du format {format} n’a pas été mesurée pour un DJI {model}.",
                es="La conversión del formato {format} no se ha medido para un DJI {model}.",
            ),
            "dji_format": _for_a_decoder(
                en="No conversion is known for the format {format} of this DJI {model}.",
                fr="Aucune conversion n’est connue pour le format {format} de ce DJI {model}.",
                es="No se conoce ninguna conversión para el formato {format} de este DJI {model}.",
            ),
            "dji_setting": _for_a_decoder(
                en="The setting {setting} of the DJI file is {value}. The conversion was measured from {low:g} to "
                "{high:g}.",
                fr="Le réglage {setting} du fichier DJI est {value}. La conversion a été mesurée de "
                "{low:g} à {high:g}.",
                es="El ajuste {setting} del archivo DJI es {value}. La conversión se midió de {low:g} a {high:g}.",
            ),
            "dji_table": _for_a_decoder(
                en="The DJI file has no transmission table (APP5), without which only the distance of 5 m can be "
                "converted. Its distance is {metres:g} m.",
                fr="Le fichier DJI n’a pas de table de transmission (APP5), sans laquelle seule la distance de 5 m "
                "peut être convertie. Sa distance est de {metres:g} m.",
                es="El archivo DJI no tiene tabla de transmisión (APP5), sin la cual solo se puede convertir la "
                "distancia de 5 m. Su distancia es de {metres:g} m.",
            ),
            "dji_unnamed": _for_a_decoder(
                en="The file contains thermal data in DJI’s format {format}, but does not name the camera, on which "
                "the conversion depends.",
                fr="Le fichier contient des données thermiques au format {format} de DJI, mais ne nomme pas la caméra, "
                "dont dépend la conversion.",
                es="El archivo contiene datos térmicos en el formato {format} de DJI, pero no nombra la cámara, de la "
                "que depende la conversión.",
            ),
            "fff_version": _unconvertible(
                en="The FFF file has an unknown version.",
                fr="La version du fichier FFF est inconnue.",
                es="La versión del archivo FFF es desconocida.",
            ),
            "flir_sequence": Text(
                en="The FLIR file is a sequence: it has more than one record {record:#x}. Export single images.",
                fr="Le fichier FLIR est une séquence : il a plus d’un enregistrement {record:#x}. Exportez des images "
                "individuelles.",
                es="El archivo FLIR es una secuencia: tiene más de un registro {record:#x}. Exporte imágenes "
                "individuales.",
            ),
            "flir_frames": Text(
                en="The FLIR file is a sequence of several images. Export single images.",
                fr="Le fichier FLIR est une séquence de plusieurs images. Exportez des images individuelles.",
                es="El archivo FLIR es una secuencia de varias imágenes. Exporte imágenes individuales.",
            ),
            "flir_jpeg_ls": _unconvertible(
                en="The FLIR file is compressed as JPEG-LS, as in CSQ recordings.",
                fr="Le fichier FLIR est comprimé en JPEG-LS, comme dans les enregistrements CSQ.",
                es="El archivo FLIR está comprimido en JPEG-LS, como en las grabaciones CSQ.",
            ),
            "infiray": _unconvertible(
                en="The file contains InfiRay’s thermal data, for which no conversion is known.",
                fr="Le fichier contient des données thermiques d’InfiRay, pour lesquelles aucune conversion n’est "
                "connue.",
                es="El archivo contiene datos térmicos de InfiRay, para los que no se conoce ninguna conversión.",
            ),
            "png": _unconvertible(
                en="The PNG in the FLIR file is not plain 16-bit greyscale.",
                fr="Le PNG du fichier FLIR n’est pas en simples niveaux de gris de 16 bits.",
                es="El PNG del archivo FLIR no está en simple escala de grises de 16 bits.",
            ),
            "tiff_compression": Text(
                en="The TIFF compression {compression} is not supported. Save the TIFF with one of these: {supported}.",
                fr="La compression TIFF {compression} n’est pas prise en charge. Enregistrez le TIFF avec l’une de "
                "celles-ci : {supported}.",
                es="La compresión TIFF {compression} no se admite. Guarde el TIFF con una de estas: {supported}.",
            ),
            "tiff_first": Text(
                en="The first image in the TIFF is a thumbnail or a mask. Save the full image first.",
                fr="La première image du TIFF est une vignette ou un masque. Enregistrez d’abord l’image entière.",
                es="La primera imagen del TIFF es una miniatura o una máscara. Guarde primero la imagen completa.",
            ),
            "tiff_sparse": Text(
                en="Some blocks of the TIFF are not in the file. Save it with all of them (GDAL: SPARSE_OK=FALSE).",
                fr="Certains blocs du TIFF ne sont pas dans le fichier. Enregistrez-le avec tous (GDAL : "
                "SPARSE_OK=FALSE).",
                es="Algunos bloques del TIFF no están en el archivo. Guárdelo con todos (GDAL: SPARSE_OK=FALSE).",
            ),
            "tiff_bands": Text(
                en="The TIFF has {bands} bands. Save the temperatures as a TIFF with one band.",
                fr="Le TIFF a {bands} bandes. Enregistrez les températures dans un TIFF à une bande.",
                es="El TIFF tiene {bands} bandas. Guarde las temperaturas en un TIFF de una banda.",
            ),
            "tiff_pages": Text(
                en="The TIFF is a sequence of several images. Save each as a file of its own.",
                fr="Le TIFF est une séquence de plusieurs images. Enregistrez chacune dans son propre fichier.",
                es="El TIFF es una secuencia de varias imágenes. Guarde cada una en su propio archivo.",
            ),
            "tiff_photometric": Text(
                en="The samples of the TIFF are not greyscale with black as zero. Save the TIFF in that form.",
                fr="Les échantillons du TIFF ne sont pas en niveaux de gris avec le noir à zéro. Enregistrez le TIFF "
                "sous cette forme.",
                es="Las muestras del TIFF no están en escala de grises con el negro como cero. Guarde el TIFF de esa "
                "forma.",
            ),
            "tiff_predictor": Text(
                en="The TIFF has floating-point numbers with a predictor, of 64 bits or in big-endian order. Save it "
                "without a predictor.",
                fr="Le TIFF a des nombres à virgule flottante avec un prédicteur, de 64 bits ou en ordre gros-boutiste"
                ". Enregistrez-le sans prédicteur.",
                es="El TIFF tiene números de coma flotante con un predictor, de 64 bits o en orden big-endian. Guárdelo"
                " sin predictor.",
            ),
            "tiff_samples": Text(
                en="The samples of the TIFF are neither integers of 16 bits nor floating-point numbers of 32 or 64 "
                "bits. Save the TIFF in one of these forms.",
                fr="Les échantillons du TIFF ne sont ni des entiers de 16 bits ni des nombres à virgule flottante de "
                "32 ou 64 bits. Enregistrez le TIFF sous l’une de ces formes.",
                es="Las muestras del TIFF no son enteros de 16 bits ni números de coma flotante de 32 o 64 bits. "
                "Guarde el TIFF en una de estas formas.",
            ),
        },
    ),
    "upload_missing": Entry(
        Text(
            en="Uploaded file deleted",
            fr="Fichier téléversé supprimé",
            es="Archivo subido eliminado",
        ),
        Text(
            en="The uploaded file was deleted before it could be read. Request a new upload.",
            fr="Le fichier téléversé a été supprimé avant d’avoir pu être lu. Demandez un nouveau téléversement.",
            es="El archivo subido se eliminó antes de poder leerlo. Solicite una nueva subida.",
        ),
    ),
    "wrong_size": Entry(
        Text(
            en="Wrong file size",
            fr="Taille de fichier incorrecte",
            es="Tamaño de archivo incorrecto",
        ),
        Text(
            en="The uploaded file has {size_bytes} bytes, but {expected_bytes} were announced. Request a new upload.",
            fr="Le fichier téléversé compte {size_bytes} octets, mais {expected_bytes} étaient annoncés. "
            "Demandez un nouveau téléversement.",
            es="El archivo subido tiene {size_bytes} bytes, pero se anunciaron {expected_bytes}. "
            "Solicite una nueva subida.",
        ),
    ),
}
