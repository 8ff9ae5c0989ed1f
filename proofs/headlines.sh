#!/usr/bin/env bash
# Prints what each headline theorem rests on, and fails if that is anything at all. The theorems are those in the first
# column of headlines.txt; the file says in which module each is.
set -euo pipefail
cd "$(dirname "$0")"

if grep -nE '\b(Admitted|admit|Axiom|Axioms|Conjecture|Parameter|Parameters)\b' theories/*.v; then
    echo "headlines: the words above have no place in a finished proof" >&2
    exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
while read -r theorem module; do
    printf 'From Maskcover Require Import %s.\nPrint Assumptions %s.\n' "$module" "$theorem" > "$work/Headline.v"
    found=$(coqc -Q theories Maskcover "$work/Headline.v" 2>&1 | tr '\n' ' ')
    printf '%-48s %s\n' "$theorem" "$found"
    [ "$found" = "Closed under the global context " ] || failed=1
done < headlines.txt
exit $failed
