#!/bin/sh
# Teaches a pack of the styles that ship: sh docs/paintings.sh STYLES PHOTOS EVALUATION LOSS_NETWORK --out PACK OPTIONS...
#
# STYLES         folder of the fourteen pictures below, all in the public domain
# PHOTOS         folder of photographs to learn on; EVALUATION: others, for the figures
# LOSS_NETWORK   weights of VGG19
# OPTIONS        of `murai train`, such as --base paintings, with which each style goes on from where it is
#
# The pack that ships learned with the same terms in several short runs of its own, which its card lists one by one.
set -eu
styles=$1 photos=$2 evaluation=$3 loss_network=$4
shift 4
pd="public domain"
exec murai train \
    "$styles/vangogh-the_starry_night.jpg" \
    "$styles/munch-the_scream.jpg" \
    "$styles/hokusai-great_wave.jpg" \
    "$styles/vangogh-self_portrait_with_straw_hat.jpg" \
    "$styles/picabia-udnie.jpg" \
    "$styles/monet-san_giorgio_maggiore_at_dusk.jpg" \
    "$styles/delaunay-portrait_1906.jpg" \
    "$styles/kandinsky-composition_vii.jpg" \
    "$styles/klimt-the_kiss.jpg" \
    "$styles/vangogh-wheatfield_with_cypresses.jpg" \
    "$styles/picabia-edtaonisl.jpg" \
    "$styles/monet-water_lilies.jpg" \
    "$styles/mondrian-tableau_2_composition_vii.jpg" \
    "$styles/turner-the_shipwreck.jpg" \
    --name starry_night --title "The Starry Night" --artist "Vincent van Gogh" --year "1889" --licence "$pd" \
    --name scream --title "The Scream" --artist "Edvard Munch" --year "1893" --licence "$pd" \
    --name great_wave --title "Under the Wave off Kanagawa" --artist "Katsushika Hokusai" --year "about 1831" --licence "$pd" \
    --name self_portrait --title "Self-Portrait with a Straw Hat" --artist "Vincent van Gogh" --year "1887" --licence "$pd" \
    --name udnie --title "Udnie" --artist "Francis Picabia" --year "1913" --licence "$pd" \
    --name san_giorgio --title "San Giorgio Maggiore at Dusk" --artist "Claude Monet" --year "1908" --licence "$pd" \
    --name portrait --title "Portrait" --artist "Robert Delaunay" --year "1906" --licence "$pd" \
    --name composition_vii --title "Composition VII" --artist "Wassily Kandinsky" --year "1913" --licence "$pd" \
    --name kiss --title "The Kiss" --artist "Gustav Klimt" --year "1908" --licence "$pd" \
    --name wheatfield --title "Wheat Field with Cypresses" --artist "Vincent van Gogh" --year "1889" --licence "$pd" \
    --name edtaonisl --title "Edtaonisl" --artist "Francis Picabia" --year "1913" --licence "$pd" \
    --name water_lilies --title "Water Lilies" --artist "Claude Monet" --year "about 1915" --licence "$pd" \
    --name tableau_2 --title "Tableau No. 2/Composition No. VII" --artist "Piet Mondrian" --year "1913" --licence "$pd" \
    --name shipwreck --title "The Shipwreck of the Minotaur" --artist "J. M. W. Turner" --year "about 1810" --licence "$pd" \
    --photos "$photos" --evaluate "$evaluation" --loss-network "$loss_network" "$@"
