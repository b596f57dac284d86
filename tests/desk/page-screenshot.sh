#!/bin/bash
# Draws the page of the demo, light and dark, into assets/screenshots (or the folder given).
# Needs chromium, and pngquant for small files.
#   tests/desk/page-screenshot.sh [FOLDER [WIDTH HEIGHT]]
set -euo pipefail
cd "$(dirname "$0")/../.."

folder=$(realpath "${1:-assets/screenshots}")
SPENDBAR_PAGE_SCREENSHOTS="$folder" SPENDBAR_PAGE_SIZE="${2:-1200}x${3:-1600}" \
  cargo test --quiet --test it page_browser::screenshots
for theme in light dark; do
  pngquant --force --speed 1 --strip --output "$folder/page-$theme.png" 48 "$folder/page-$theme.png"
done
