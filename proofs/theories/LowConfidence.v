(** Detection with an alert on low confidence too (HiCert; design, section 16): any mask whose confidence is too low
    raises an alert, whatever it says. Python: maskcover.defense.detection, with [alert_below]. *)

From Coq Require Import List Bool QArith.
From Maskcover Require Import Cells Tables Detection.
Import ListNotations.

(** Whether a confidence is below the second threshold. *)
Definition unsure (alert_below : Q) (v : verdict) : bool := negb (Qle_bool alert_below (snd v)).

(** A mask raises an alert if it speaks against the bare label, or is unsure. *)
Definition alerting (threshold alert_below : Q) (bare : label) (v : verdict) : bool :=
  speaks_against threshold bare v || unsure alert_below v.

Definition detect_low {I} (threshold alert_below : Q) (bare : label) (first_round : list (I * verdict)) :
  label * bool * option I :=
  match find (fun mv => alerting threshold alert_below bare (snd mv)) first_round with
  | Some (m, _) => (bare, true, Some m)
  | None => (bare, same bare None, None)
  end.

(** A mask counts for the certificate if it says [y] with enough confidence, or raises an alert by itself. Python does
    not count masks without a label, which is safe: [low_confidence_certificate] takes any of those that count. *)
Definition guards (threshold alert_below : Q) (y : nat) (v : verdict) : bool :=
  says threshold y v || unsure alert_below v.

(** One mask that counts: the answer is [y], or there is an alert. *)
Theorem detect_low_right {I} threshold alert_below bare (first_round : list (I * verdict)) g v y :
  In (g, v) first_round -> guards threshold alert_below y v = true ->
  let '(answer, alert, _) := detect_low threshold alert_below bare first_round in answer = Some y \/ alert = true.
Proof.
  intros Hin H. unfold detect_low. destruct (find _ _) as [[m w]|] eqn:E; [now right|].
  apply find_none with (x := (g, v)) in E; [|assumption]. simpl in E. unfold alerting in E.
  apply orb_false_iff in E as [Against Unsure]. unfold guards in H. rewrite Unsure, orb_false_r in H.
  unfold speaks_against, says in *. apply andb_true_iff in H as [H1 H2]. apply same_iff in H1.
  rewrite H1, H2, orb_true_r, andb_true_r in Against. left. symmetry. apply same_iff. now apply negb_false_iff.
Qed.

(** There is no alert exactly if there is a bare label, and no mask speaks against it or is unsure. *)
Theorem no_alert_iff {I} threshold alert_below bare (first_round : list (I * verdict)) :
  snd (fst (detect_low threshold alert_below bare first_round)) = false
  <-> bare <> None /\ forall m v, In (m, v) first_round -> alerting threshold alert_below bare v = false.
Proof.
  unfold detect_low. destruct (find _ _) as [[m w]|] eqn:E; simpl.
  - apply find_some in E as [Hin E]. split; [discriminate|]. intros [_ H]. simpl in E. now rewrite (H m w Hin) in E.
  - rewrite same_false. split; [|now intros [H _]]. intros H. split; [assumption|]. intros m v Hin.
    now apply find_none with (x := (m, v)) in E.
Qed.

(** With a second threshold of 0, or any other that no confidence is below, it is detection as before. *)
Theorem detect_low_nobody_unsure {I} threshold alert_below bare (first_round : list (I * verdict)) :
  (forall m v, In (m, v) first_round -> (alert_below <= snd v)%Q) ->
  detect_low threshold alert_below bare first_round = detect threshold bare first_round.
Proof.
  intros H. unfold detect_low, detect.
  assert (E : find (fun mv => alerting threshold alert_below bare (snd mv)) first_round
              = find (fun mv => speaks_against threshold bare (snd mv)) first_round); [|now rewrite E].
  induction first_round as [| [m v] rest IH]; simpl; [reflexivity|].
  rewrite IH; [|intros n w W; apply (H n); now right].
  assert (Sure : unsure alert_below v = false).
  { unfold unsure. apply negb_false_iff, Qle_bool_iff, (H m). now left. }
  unfold alerting. now rewrite Sure, orb_false_r.
Qed.

Section Images.
  Variable pixel : Type.
  Variable fill : image pixel.
  Variable F : image pixel -> verdict.
  Hypothesis F_pixels : respects_pixels F.

  Definition detected_low (threshold alert_below : Q) (M : list mask) (x : image pixel) : label * bool * option mask :=
    detect_low threshold alert_below (fst (F x)) (map (fun m => (m, F (hide fill [m] x))) M).

  (** The masks that count on the clean image. *)
  Definition guarding (threshold alert_below : Q) (M : list mask) (x : image pixel) (y : nat) : list mask :=
    filter (fun m => guards threshold alert_below y (F (hide fill [m] x))) M.

  (** No attack within [r] gets a wrong label without an alert. *)
  Definition guarded_low threshold alert_below M x y (r : cells) : Prop :=
    forall x', differ_inside r x x' ->
      let '(answer, alert, _) := detected_low threshold alert_below M x' in answer = Some y \/ alert = true.

  (** Some mask that counts contains [r]. *)
  Theorem low_confidence_row threshold alert_below M x y g r :
    In g (guarding threshold alert_below M x y) -> inside r (hides g) -> guarded_low threshold alert_below M x y r.
  Proof.
    intros Hg Hr x' Hx. apply filter_In in Hg as [Hg H].
    apply detect_low_right with g (F (hide fill [g] x)); [|assumption].
    apply in_map_iff. exists g. split; [f_equal | assumption].
    symmetry. apply F_pixels, (hide_alike _ _ r x x' g); [assumption..|now left].
  Qed.

  (** The certificate: if some of the masks that count cover. *)
  Theorem low_confidence_certificate threshold alert_below M x y some R :
    incl some (guarding threshold alert_below M x y) -> covers some R ->
    forall r, R r -> guarded_low threshold alert_below M x y r.
  Proof.
    intros Some_count H r Hr. destruct (H r Hr) as (g & Hg & Hin). apply low_confidence_row with g; auto.
  Qed.

  (** A smaller first threshold or a larger second one lets more masks count. *)
  Theorem low_confidence_levels threshold threshold' alert_below alert_below' M x y R :
    (threshold' <= threshold)%Q -> (alert_below <= alert_below')%Q ->
    covers (guarding threshold alert_below M x y) R -> covers (guarding threshold' alert_below' M x y) R.
  Proof.
    intros Ht Ha H r Hr. destruct (H r Hr) as (g & Hg & Hin). exists g. split; [|assumption].
    unfold guarding in *. apply filter_In in Hg as [Hg E]. apply filter_In. split; [assumption|].
    unfold guards, says, unsure in *. apply orb_true_iff in E. apply orb_true_iff.
    destruct E as [E | E]; [left | right].
    - apply andb_true_iff in E as [E1 E2]. apply andb_true_iff. split; [assumption|].
      apply Qle_bool_iff. apply Qle_bool_iff in E2. now apply Qle_trans with threshold.
    - apply negb_true_iff in E. apply negb_true_iff. apply not_true_iff_false. apply not_true_iff_false in E.
      intros L. apply E. apply Qle_bool_iff. apply Qle_bool_iff in L. now apply Qle_trans with alert_below'.
  Qed.

  (** More certificates than without the second threshold. *)
  Theorem low_confidence_more threshold alert_below M x y R :
    covers (sure pixel fill F threshold M x y) R -> covers (guarding threshold alert_below M x y) R.
  Proof.
    intros H r Hr. destruct (H r Hr) as (g & Hg & Hin). exists g. split; [|assumption].
    unfold sure, guarding, guards in *. apply filter_In in Hg as [Hg E]. apply filter_In. now rewrite E.
  Qed.
End Images.
