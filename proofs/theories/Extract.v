(** The checker as an OCaml program. Numbers stay as Coq has them, in binary: machine integers could overflow. *)

From Coq Require Import Extraction ExtrOcamlBasic.
From Maskcover Require Import Expansion Checker.

Extraction Language OCaml.
Extraction "checker/maskcover_check.ml"
  Checker.check_cover Checker.formed Checker.formed_claim Checker.tidy Checker.stands Certificate.union Certificate.patches_of
  Certificate.copies Checker.disjoint Checker.fits Checker.possible Expansion.expandable Expansion.expand
  Z.add Z.mul Z.leb Z.gcd Z.div N.of_nat Z.to_N.
