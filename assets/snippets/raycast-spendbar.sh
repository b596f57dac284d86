#!/bin/sh
# Raycast: into a folder of script commands, made executable.

# @raycast.schemaVersion 1
# @raycast.title AI spend today
# @raycast.mode inline
# @raycast.refreshTime 1m
# @raycast.packageName Spendbar
# @raycast.icon 💸

PATH="$PATH:/opt/homebrew/bin:/usr/local/bin:$HOME/.cargo/bin"
spendbar status --line
