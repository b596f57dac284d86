#!/bin/sh
# xbar and SwiftBar: into the folder of plugins, made executable. The first line stands in the menu bar,
# the others in its menu.
# <xbar.title>Spendbar</xbar.title>
# <xbar.desc>Today's AI spend and how far the budgets are.</xbar.desc>
# <xbar.dependencies>spendbar</xbar.dependencies>
PATH="$PATH:/opt/homebrew/bin:/usr/local/bin:$HOME/.cargo/bin"
spendbar status --line
echo "---"
# A bar divides its own settings from the text.
COLUMNS=80 spendbar status | sed -e 's/|/¦/g' -e 's/$/ | font=Menlo trim=false/'
echo "---"
echo "Open the page | shell=spendbar param1=page terminal=false"
