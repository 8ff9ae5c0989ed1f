(** Detection with a threshold, in the manner of Minority Reports (paper, section 5.2; design, section 7): the bare
    label, or an alert. *)

From Coq Require Import List Bool QArith.
From Maskcover Require Import Cells Tables.
Import ListNotations.

(** What a classifier says of an image: a label, and how sure it is. *)
Definition verdict := (label * Q)%type.

(** Whether a verdict is [y], said with a confidence of at least the threshold. *)
Definition says (threshold : Q) (y : nat) (v : verdict) : bool := same (fst v) (Some y) && Qle_bool threshold (snd v).

(** Whether it speaks against the bare label: it says another with enough confidence, or gives no label. *)
Definition speaks_against (threshold : Q) (bare : label) (v : verdict) : bool :=
  negb (same (fst v) bare) && (same (fst v) None || Qle_bool threshold (snd v)).

(** Detection on a first round: the bare label, whether there is an alert, and the first mask that speaks against. *)
Definition detect {I} (threshold : Q) (bare : label) (first_round : list (I * verdict)) : label * bool * option I :=
  match find (fun mv => speaks_against threshold bare (snd mv)) first_round with
  | Some (m, _) => (bare, true, Some m)
  | None => (bare, same bare None, None)
  end.

(** One mask that still says [y] with enough confidence: the answer is [y], or there is an alert. *)
Theorem detect_right {I} threshold bare (first_round : list (I * verdict)) g v y :
  In (g, v) first_round -> says threshold y v = true ->
  let '(answer, alert, _) := detect threshold bare first_round in answer = Some y \/ alert = true.
Proof.
  intros Hin H. unfold detect. destruct (find _ _) as [[m w]|] eqn:E; [now right|].
  apply find_none with (x := (g, v)) in E; [|assumption].
  unfold speaks_against, says in *. simpl in E. apply andb_true_iff in H as [H1 H2]. apply same_iff in H1.
  rewrite H1, H2, orb_true_r, andb_true_r in E. left. symmetry. apply same_iff. now apply negb_false_iff.
Qed.

Section Images.
  Variable pixel : Type.
  Variable fill : image pixel.
  Variable F : image pixel -> verdict.
  Hypothesis F_pixels : respects_pixels F.

  Definition detected (threshold : Q) (M : list mask) (x : image pixel) : label * bool * option mask :=
    detect threshold (fst (F x)) (map (fun m => (m, F (hide fill [m] x))) M).

  (** G of detection: the masks under which the clean image gets [y] with enough confidence. *)
  Definition sure (threshold : Q) (M : list mask) (x : image pixel) (y : nat) : list mask :=
    filter (fun m => says threshold y (F (hide fill [m] x))) M.

  (** No attack within [r] gets a wrong label without an alert. *)
  Definition guarded threshold M x y (r : cells) : Prop :=
    forall x', differ_inside r x x' ->
      let '(answer, alert, _) := detected threshold M x' in answer = Some y \/ alert = true.

  (** Some mask of G contains [r]. *)
  Theorem detection_row threshold M x y g r :
    In g (sure threshold M x y) -> inside r (hides g) -> guarded threshold M x y r.
  Proof.
    intros Hg Hr x' Hx. apply filter_In in Hg as [Hg H].
    apply detect_right with g (F (hide fill [g] x)); [|assumption].
    apply in_map_iff. exists g. split; [f_equal | assumption].
    symmetry. apply F_pixels, (hide_alike _ _ r x x' g); [assumption..|now left].
  Qed.

  (** The certificate of detection: if G is R-covering, so it is for every region of [R]. *)
  Theorem detection_certificate threshold M x y R :
    covers (sure threshold M x y) R -> forall r, R r -> guarded threshold M x y r.
  Proof. intros H r Hr. destruct (H r Hr) as (g & Hg & Hin). now apply detection_row with g. Qed.

  (** A larger threshold leaves fewer masks: an image certified at one is certified at all below ([cover_level]). *)
  Theorem detection_levels threshold threshold' M x y R :
    (threshold' <= threshold)%Q -> covers (sure threshold M x y) R -> covers (sure threshold' M x y) R.
  Proof.
    intros Ht H r Hr. destruct (H r Hr) as (g & Hg & Hin). exists g. split; [|assumption].
    unfold sure, says in *. apply filter_In in Hg as [Hg E]. apply filter_In. split; [assumption|].
    apply andb_true_iff in E as [E1 E2]. apply andb_true_iff. split; [assumption|].
    apply Qle_bool_iff. apply Qle_bool_iff in E2. now apply Qle_trans with threshold.
  Qed.
End Images.
