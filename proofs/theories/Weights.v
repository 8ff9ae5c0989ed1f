(** Weighted lower bounds. Python: maskcover.covering.lower (`weights`), .search.bounds (`check_dual`). *)

From Coq Require Import ZArith List Lia Bool.
From Maskcover Require Import Cells.
Import ListNotations.
Open Scope Z_scope.

(** The weight of some placements. *)
Definition total {P} (weight : P -> Z) (places : list P) : Z := fold_right (fun x w => weight x + w) 0 places.

Lemma total_of_either : forall P (weight : P -> Z) f g places, (forall x, 0 <= weight x) ->
  total weight (filter (fun x => f x || g x) places) <= total weight (filter f places) + total weight (filter g places).
Proof.
  intros P weight f g places W. induction places as [|x places IH]; simpl; [lia|].
  specialize (W x). destruct (f x), (g x); simpl; lia.
Qed.

(** `held` tells at least of every placement inside a mask that it is. *)
Definition tells {P} (region : P -> cells) (held : mask -> P -> bool) : Prop :=
  forall m x, inside (region x) (hides m) -> held m x = true.

(** Placements with weights of which no admissible mask holds more than d together: every cover by admissible masks has
    at least their total weight over d. The independent sets are the case of weights 1 and d = 1. *)
Theorem weighted_bound : forall P (region : P -> cells) held (weight : P -> Z) d (admissible : mask -> Prop)
    places masks (regions : region_set),
  tells region held -> (forall x, 0 <= weight x) ->
  (forall m, admissible m -> total weight (filter (held m) places) <= d) ->
  (forall x, In x places -> regions (region x)) -> Forall admissible masks -> covers masks regions ->
  total weight places <= d * Z.of_nat (length masks).
Proof.
  intros P region held weight d admissible places masks regions T W D R A C.
  assert (E : filter (fun x => existsb (fun m => held m x) masks) places = places).
  { assert (F : forall x, In x places -> existsb (fun m => held m x) masks = true).
    { intros x X. destruct (C (region x) (R x X)) as (m & M & I). apply existsb_exists. eauto. }
    clear -F. induction places as [|x places IH]; simpl; [reflexivity|].
    rewrite (F x (or_introl eq_refl)). f_equal. apply IH. intros y Y. apply F. right; exact Y. }
  rewrite <- E. clear E C R. induction A as [|m masks Am A IH].
  - simpl. clear. induction places; simpl; lia.
  - pose proof (total_of_either P weight (held m) (fun x => existsb (fun m => held m x) masks) places W) as B.
    cbn beta in B. cbn [existsb length].
    specialize (D m Am). rewrite Nat2Z.inj_succ, Z.mul_succ_r. lia.
Qed.
