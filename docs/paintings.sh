#!/bin/sh
# Teaches the styles that ship, one after the other: sh docs/paintings.sh STYLES PHOTOS LOSS_NETWORK PACK [OPTIONS...]
#
# STYLES         folder of the fourteen pictures below, all in the public domain
# PHOTOS         folder of photographs to learn on
# LOSS_NETWORK   weights of VGG19
# PACK           the pack to write; where it is there already, each of its styles goes on from where it is
# OPTIONS        of `murai train`, for every style
#
# The pack that ships learned its first strokes in short runs of a scratch learner, and then with this. Its card tells
# of every run.
set -eu
styles=$1 photos=$2 loss_network=$3 pack=$4
shift 4

teach() {
    name=$1 picture=$2 title=$3 artist=$4 year=$5
    shift 5
    [ -e "$pack" ] && set -- --base "$pack" --overwrite "$@"
    murai train "$styles/$picture.jpg" --name "$name" --title "$title" --artist "$artist" --year "$year" \
        --licence "public domain" --photos "$photos" --loss-network "$loss_network" --out "$pack" "$@"
}

vangogh="Vincent van Gogh"
teach starry_night vangogh-the_starry_night "The Starry Night" "$vangogh" 1889 "$@"
teach scream munch-the_scream "The Scream" "Edvard Munch" 1893 "$@"
teach great_wave hokusai-great_wave "Under the Wave off Kanagawa" "Katsushika Hokusai" "about 1831" \
    --crop 400,520,1120,500 --style-size 400 "$@"
teach self_portrait vangogh-self_portrait_with_straw_hat "Self-Portrait with a Straw Hat" "$vangogh" 1887 "$@"
teach udnie picabia-udnie "Udnie" "Francis Picabia" 1913 "$@"
teach san_giorgio monet-san_giorgio_maggiore_at_dusk "San Giorgio Maggiore at Dusk" "Claude Monet" 1908 "$@"
teach portrait delaunay-portrait_1906 "Portrait" "Robert Delaunay" 1906 "$@"
teach composition_vii kandinsky-composition_vii "Composition VII" "Wassily Kandinsky" 1913 "$@"
teach kiss klimt-the_kiss "The Kiss" "Gustav Klimt" 1908 --crop 230,150,560,700 "$@"
teach wheatfield vangogh-wheatfield_with_cypresses "Wheat Field with Cypresses" "$vangogh" 1889 "$@"
teach edtaonisl picabia-edtaonisl "Edtaonisl" "Francis Picabia" 1913 "$@"
teach water_lilies monet-water_lilies "Water Lilies" "Claude Monet" "about 1915" "$@"
teach tableau_2 mondrian-tableau_2_composition_vii "Tableau No. 2/Composition No. VII" "Piet Mondrian" 1913 "$@"
teach shipwreck turner-the_shipwreck "The Shipwreck of the Minotaur" "J. M. W. Turner" "about 1810" "$@"
