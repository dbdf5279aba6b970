#!/bin/sh
# How the packs that ship are taught: sh docs/paintings.sh STYLES PHOTOS EVALUATION LOSS_NETWORK OPTIONS...
#
# STYLES         folder of the ten pictures below, all in the public domain
# PHOTOS         folder of photographs to learn on; EVALUATION: others, for the figures
# LOSS_NETWORK   weights of VGG19
# OPTIONS        of `murai train`; the model cards tell every stage. The last ones:
#
# paintings-light   --teacher paintings --tier light --steps 3000 --batch 4 --out light, then
#                   --base light --full --tier light --bf16 --steps 1500 --learning-rate 0.012 --out paintings-light
# paintings         --base paintings --full --steps 600 --learning-rate 0.012 --out ...
# paintings-fine    --base paintings-fine --full --tier fine --bf16 --steps 1800 --learning-rate 0.012 --out ...
set -eu
styles=$1 photos=$2 evaluation=$3 loss_network=$4
shift 4
pd="public domain"
exec murai train \
    "$styles/vangogh-the_starry_night.jpg" \
    "$styles/hokusai-great_wave.jpg" \
    "$styles/munch-the_scream.jpg" \
    "$styles/turner-the_shipwreck.jpg" \
    "$styles/klimt-the_kiss.jpg" \
    "$styles/kandinsky-composition_vii.jpg" \
    "$styles/vangogh-wheatfield_with_cypresses.jpg" \
    "$styles/mondrian-tableau_2_composition_vii.jpg" \
    "$styles/monet-water_lilies.jpg" \
    "$styles/delaunay-portrait_1906.jpg" \
    --name starry_night --title "The Starry Night" --artist "Vincent van Gogh" --year "1889" --licence "$pd" \
    --name great_wave --title "Under the Wave off Kanagawa" --artist "Katsushika Hokusai" --year "about 1831" --licence "$pd" \
    --name scream --title "The Scream" --artist "Edvard Munch" --year "1893" --licence "$pd" \
    --name shipwreck --title "The Shipwreck of the Minotaur" --artist "J. M. W. Turner" --year "about 1810" --licence "$pd" \
    --name kiss --title "The Kiss" --artist "Gustav Klimt" --year "1908" --licence "$pd" \
    --name composition_vii --title "Composition VII" --artist "Wassily Kandinsky" --year "1913" --licence "$pd" \
    --name wheatfield --title "Wheat Field with Cypresses" --artist "Vincent van Gogh" --year "1889" --licence "$pd" \
    --name tableau_2 --title "Tableau No. 2/Composition No. VII" --artist "Piet Mondrian" --year "1913" --licence "$pd" \
    --name water_lilies --title "Water Lilies" --artist "Claude Monet" --year "about 1915" --licence "$pd" \
    --name portrait --title "Portrait" --artist "Robert Delaunay" --year "1906" --licence "$pd" \
    --photos "$photos" --evaluate "$evaluation" --loss-network "$loss_network" "$@"
