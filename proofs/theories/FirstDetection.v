(** Detection for the first k labels (docs/theory/first-labels.md): the best labels of the image as it is, or an alert.
    Python: maskcover.defense.first_detection. *)

From Coq Require Import List Bool PeanoNat QArith.
From Maskcover Require Import Cells Tables.
Import ListNotations.

(** The first labels of a view with their confidences, best first; none if the view has no label. *)
Definition ranking := list (nat * Q).

(** The labels that a mask is sure of: of its first labels, those with a confidence of at least the threshold. *)
Definition sure_labels (threshold : Q) (said : ranking) : list nat :=
  map fst (filter (fun entry => Qle_bool threshold (snd entry)) said).

Definition includes (labels : list nat) (y : nat) : bool := existsb (Nat.eqb y) labels.

(** Whether the confidence of its first label is below the second threshold. *)
Definition doubtful (alert_below : Q) (said : ranking) : bool :=
  match said with (_, confidence) :: _ => negb (Qle_bool alert_below confidence) | [] => false end.

(** A mask raises an alert if it has no label, is doubtful, or is sure of a label that is not listed. *)
Definition raises (threshold alert_below : Q) (listed : list nat) (said : ranking) : bool :=
  match said with [] => true | _ => false end
  || doubtful alert_below said
  || negb (forallb (includes listed) (sure_labels threshold said)).

(** The answer: the listed labels of the image as it is, and whether there is an alert. *)
Definition detect_listed (threshold alert_below : Q) (listed : list nat) (masks : list ranking) : list nat * bool :=
  (listed, match listed with [] => true | _ => false end || existsb (raises threshold alert_below listed) masks).

(** A mask counts for the certificate if it is sure of y, or doubtful. *)
Definition lists (threshold alert_below : Q) (y : nat) (said : ranking) : bool :=
  includes (sure_labels threshold said) y || doubtful alert_below said.

(** One mask that counts: y is listed, or there is an alert. Nothing is asked of how the labels come to be listed. *)
Theorem detect_listed_right threshold alert_below listed masks said y :
  In said masks -> lists threshold alert_below y said = true ->
  let '(answer, alert) := detect_listed threshold alert_below listed masks in In y answer \/ alert = true.
Proof.
  intros Hin H. unfold detect_listed. destruct (existsb (raises _ _ _) masks) eqn:E.
  - right. apply orb_true_r.
  - left. assert (Silent : raises threshold alert_below listed said = false).
    { apply not_true_iff_false. intros Raises. apply not_true_iff_false in E. apply E, existsb_exists. now exists said. }
    unfold raises in Silent. apply orb_false_iff in Silent as [Silent Listed].
    apply orb_false_iff in Silent as [_ Sure]. unfold lists in H. rewrite Sure, orb_false_r in H.
    apply negb_false_iff in Listed. rewrite forallb_forall in Listed.
    unfold includes in H. apply existsb_exists in H as (c & Hc & Same). apply Nat.eqb_eq in Same. subst c.
    specialize (Listed y Hc). unfold includes in Listed. apply existsb_exists in Listed as (c & Hc' & Same).
    apply Nat.eqb_eq in Same. now subst c.
Qed.

Section Images.
  Variable pixel : Type.
  Variable fill : image pixel.
  Variable F : image pixel -> ranking.
  Hypothesis F_pixels : respects_pixels F.

  Definition listed_detected (threshold alert_below : Q) (M : list mask) (x : image pixel) : list nat * bool :=
    detect_listed threshold alert_below (map fst (F x)) (map (fun m => F (hide fill [m] x)) M).

  (** If some mask that counts on the clean image contains each region, then after every attack within a region y is
      among the first labels, or there is an alert. *)
  Theorem first_detection_certificate threshold alert_below M x y (R : region_set) :
    (forall r, R r -> exists g, In g M /\ inside r (hides g)
                      /\ lists threshold alert_below y (F (hide fill [g] x)) = true) ->
    forall r x', R r -> differ_inside r x x' ->
      let '(answer, alert) := listed_detected threshold alert_below M x' in In y answer \/ alert = true.
  Proof.
    intros Covered r x' Hr Hx. destruct (Covered r Hr) as (g & Hg & Inside & Counts).
    apply detect_listed_right with (F (hide fill [g] x')).
    - apply in_map_iff. now exists g.
    - rewrite <- Counts. f_equal. symmetry. apply F_pixels, (hide_alike _ _ r x x' g); [assumption..| now left].
  Qed.
End Images.
