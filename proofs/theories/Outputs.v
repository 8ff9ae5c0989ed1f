(** Outputs of many parts (docs/theory/segmentation.md, docs/theory/objects.md): how many parts stay right in the worst
    case, and how much of an object stays inside a box when boxes are merged. Prototypes: tests/prototypes. *)

From Coq Require Import List Bool ZArith Lia.
From Maskcover Require Import Votes.
Import ListNotations.
Open Scope Z_scope.

(** The number of members that pass a test. *)
Definition count {A} (test : A -> bool) (members : list A) : Z := total (fun a => if test a then 1 else 0) members.

Lemma total_nothing {A} (members : list A) : total (fun _ => 0) members = 0.
Proof. induction members as [| a rest IH]; simpl; lia. Qed.

Lemma count_positive {A} (test : A -> bool) members : 0 <= count test members.
Proof. induction members as [| a rest IH]; unfold count in *; simpl; [lia |]. destruct (test a); lia. Qed.

Lemma count_le {A} (test more : A -> bool) members :
  (forall a, In a members -> test a = true -> more a = true) -> count test members <= count more members.
Proof.
  intros More. apply total_le. intros a Ha. specialize (More a Ha). destruct (test a); [now rewrite More |].
  destruct (more a); lia.
Qed.

(** The joint bound. Parts, such as pixels, are steady at a region if no attack within that region changes their answer.
    What is right after the attack is at least what is steady and right at that region; so the least number over all
    regions bounds the number of right parts. *)
Section Joint.
  Variables (part answer region : Type) (parts : list part) (equal : answer -> answer -> bool) (truth : part -> answer).

  Theorem joint_bound (after : part -> answer) (clean : part -> answer) (steady : region -> part -> bool) r least :
    (forall p, In p parts -> steady r p = true -> after p = clean p) ->
    (forall s, least <= count (fun p => steady s p && equal (clean p) (truth p)) parts) ->
    least <= count (fun p => equal (after p) (truth p)) parts.
  Proof.
    intros Same Least. apply Z.le_trans with (1 := Least r). apply count_le. intros p Hp H.
    apply andb_true_iff in H as [Steady Right]. now rewrite (Same p Hp Steady).
  Qed.

  (** It is never below the number of parts that are steady at every region. *)
  Theorem joint_at_least_each (clean : part -> answer) (steady : region -> part -> bool) always :
    (forall p s, always p = true -> steady s p = true) ->
    forall s, count (fun p => always p && equal (clean p) (truth p)) parts
              <= count (fun p => steady s p && equal (clean p) (truth p)) parts.
  Proof.
    intros Always s. apply count_le. intros p _ H. apply andb_true_iff in H as [A Right].
    now rewrite (Always p s A), Right.
  Qed.
End Joint.

(** Boxes, or any sets of pixels. If b is dropped because a part of it of at least b_kept pixels lies inside a box k
    that stays, then k contains all of the object that b contains, less the pixels of b that k need not contain. *)
Theorem dropped_for_kept {A} (object b k : A -> bool) (pixels : list A) :
  count (fun p => object p && b p) pixels - (count b pixels - count (fun p => b p && k p) pixels)
  <= count (fun p => object p && k p) pixels.
Proof.
  unfold count. rewrite <- !total_minus. apply total_le. intros p _.
  destruct (object p), (b p), (k p); simpl; lia.
Qed.

(** One step of merging: each box stays, or lies inside a box that stays as far as at least [part] of [whole] of it. *)
Definition merged {A} (part whole : Z) (pixels : list A) (boxes kept : list (A -> bool)) : Prop :=
  forall b, In b boxes -> In b kept \/
    exists k, In k kept /\ part * count b pixels <= whole * count (fun p => b p && k p) pixels.

(** So where a mask that contains the region finds an object, a box that stays holds at least this much of it: the boxes
    under that mask are the same after the attack, and whatever else is among the boxes can only take their place. *)
Theorem object_is_held {A} (part whole : Z) (pixels : list A) (boxes kept : list (A -> bool)) object b :
  0 <= part <= whole -> merged part whole pixels boxes kept -> In b boxes ->
  exists k, In k kept /\
    whole * count (fun p => object p && b p) pixels - (whole - part) * count b pixels
    <= whole * count (fun p => object p && k p) pixels.
Proof.
  intros Bounds Merged Hb. destruct (Merged b Hb) as [Kept | (k & Hk & Inside)].
  - exists b. split; [assumption |].
    assert (0 <= count b pixels) by apply count_positive.
    assert (0 <= (whole - part) * count b pixels) by (apply Z.mul_nonneg_nonneg; lia). lia.
  - exists k. split; [assumption |]. pose proof (dropped_for_kept object b k pixels) as Drop.
    apply Z.mul_le_mono_nonneg_l with (p := whole) in Drop; [| lia]. lia.
Qed.
