(** The row theorem for images, and what follows from it: certificates, the map, Theorem 1 and Lemmas 1 to 3. *)

From Coq Require Import List Bool.
From Maskcover Require Import Cells Tables DoubleMasking.
Import ListNotations.

Section Defence.
  Variable pixel : Type.
  Variable fill : image pixel.
  Variable F : image pixel -> label. (* any function at all, of the pixels *)
  Hypothesis F_pixels : respects_pixels F.

  (** The defended prediction: Algorithm 1 on the table of the image that is served. *)
  Definition defended majority order (M : list mask) (x : image pixel) : label * case mask :=
    double_masking (table fill F x) majority order M.

  (** No attack within [r] changes the answer [y], whatever the tie rule and the order of the disagreers. *)
  Definition safe (M : list mask) (x : image pixel) (y : nat) (r : cells) : Prop :=
    forall majority order x', any_order order -> differ_inside r x x' -> fst (defended majority order M x') = Some y.

  (** Row theorem (design, section 7): a mask that contains [r] and whose row on the clean image is right. *)
  Theorem row_theorem M x y g r :
    In g M -> right (table fill F x) M y g -> inside r (hides g) -> safe M x y r.
  Proof.
    intros Hg Hright Hr majority order x' Horder Hx.
    apply (right_row _ M y g); try assumption.
    - intros m m'. apply (table_symmetric fill F F_pixels).
    - intros m Hm. rewrite (table_row fill F F_pixels r x) by assumption. now apply Hright.
  Qed.

  (** G of the design: the masks whose row is right. *)
  Definition G M x y : list mask := good (table fill F x) M y.

  (** The map of certified placements: the regions inside masks of G. *)
  Definition mapped M x y (r : cells) : Prop := exists g, In g (G M x y) /\ inside r (hides g).

  (** The map tells the truth, whether or not the image as a whole is certified. How far a converse holds is
      the matter of [Converse]. *)
  Theorem mapped_safe M x y r : mapped M x y r -> safe M x y r.
  Proof. intros (g & Hg & Hr). apply good_iff in Hg as [Hg Hright]. now apply row_theorem with g. Qed.

  (** The row certificate: if G is R-covering, the image is certified against R. *)
  Theorem row_certificate M x y R : covers (G M x y) R -> forall r, R r -> safe M x y r.
  Proof. intros H r Hr. apply mapped_safe, H, Hr. Qed.

  (** Independence of the tie rule and of the order: on an attacked image they all give one answer. *)
  Theorem rules_agree M x y r majority majority' order order' x' :
    mapped M x y r -> any_order order -> any_order order' -> differ_inside r x x' ->
    fst (defended majority order M x') = fst (defended majority' order' M x').
  Proof. intros Hr ? ? ?. now rewrite !(mapped_safe M x y r Hr). Qed.

  (** The clean image itself is answered with its label: it is an attack that changes nothing. *)
  Theorem clean_right M x y r majority order :
    mapped M x y r -> any_order order -> fst (defended majority order M x) = Some y.
  Proof. intros Hr ?. now apply (mapped_safe M x y r Hr). Qed.

  (** Definition 2 of the paper: all two-mask predictions are right. *)
  Definition two_mask_correct M x y : Prop :=
    forall m m', In m M -> In m' M -> F (hide fill [m; m'] x) = Some y.

  (** Algorithm 2 as a program; whether the masks cover is decided elsewhere. *)
  Definition algorithm_2 (covering : bool) M x y : bool :=
    covering && forallb (rightb (table fill F x) M y) M.

  Lemma algorithm_2_iff covering M x y :
    algorithm_2 covering M x y = true <-> covering = true /\ two_mask_correct M x y.
  Proof.
    unfold algorithm_2. rewrite andb_true_iff, forallb_forall. setoid_rewrite rightb_iff.
    unfold right, two_mask_correct, table. firstorder.
  Qed.

  (** Algorithm 2 is the case G = M of the row certificate. *)
  Lemma all_good M x y : two_mask_correct M x y <-> incl M (G M x y).
  Proof.
    unfold incl, G. setoid_rewrite good_iff. unfold right, two_mask_correct, table. firstorder.
  Qed.

  Lemma good_in M x y : incl (G M x y) M.
  Proof. intros g Hg. now apply good_iff in Hg. Qed.

  (** On a minimal cover the two agree: there G covers only if it is all of M. *)
  Theorem minimal_cover M x y R :
    (forall some, incl some M -> covers some R -> incl M some) ->
    (covers (G M x y) R <-> covers M R /\ two_mask_correct M x y).
  Proof.
    intros minimal. rewrite all_good. split.
    - intros H. split; [|now apply minimal; [apply good_in|]].
      intros r Hr. destruct (H r Hr) as (g & Hg & Hin). exists g. split; [now apply good_in in Hg | assumption].
    - intros [H HM] r Hr. destruct (H r Hr) as (g & Hg & Hin). exists g. auto.
  Qed.

  (** The conditions of Theorem 1, and an attack on some region of [R]. *)
  Section Theorem1.
    Variables (M : list mask) (R : region_set) (x x' : image pixel) (y : nat) (r : cells).
    Variables (majority : list label -> label) (order : list mask -> list mask).
    Hypothesis M_covers : covers M R.
    Hypothesis correct : two_mask_correct M x y.
    Hypothesis r_in : R r.
    Hypothesis attack : differ_inside r x x'.
    Hypothesis order_any : any_order order.

    (** Claim 3 of the paper: if a mask removes the patch, its second round is right throughout. *)
    Lemma claim_3 m : In m M -> inside r (hides m) -> right (table fill F x') M y m.
    Proof.
      intros Hm Hr m' Hm'. rewrite (table_row fill F F_pixels r x); [now apply correct | assumption..].
    Qed.

    (** Some mask removes the patch. *)
    Lemma removed : exists m, In m M /\ right (table fill F x') M y m.
    Proof. destruct (M_covers r r_in) as (m & Hm & Hr). exists m. split; [|apply claim_3]; assumption. Qed.

    (** Claim 1: some one-mask prediction is right. *)
    Lemma claim_1 : exists m, In m M /\ F (hide fill [m] x') = Some y.
    Proof.
      destruct removed as (m & Hm & H). exists m. split; [assumption|].
      rewrite <- (table_diagonal fill F F_pixels). now apply H.
    Qed.

    (** Claim 2: some prediction of every second round is right. *)
    Lemma claim_2 d : In d M -> exists m, In m M /\ F (hide fill [m] (hide fill [d] x')) = Some y.
    Proof.
      intros Hd. destruct removed as (m & Hm & H). exists m. split; [assumption|].
      rewrite <- table_twice, (table_symmetric fill F F_pixels) by assumption. now apply H.
    Qed.

    Let answer := defended majority order M x'.

    (** Lemma 1: never a wrong label in case I. *)
    Lemma lemma_1 : snd answer = Agreed -> fst answer = Some y.
    Proof. destruct removed as (m & Hm & H). now apply agreed_right with m. Qed.

    (** Lemma 2: never a wrong label in case II. *)
    Lemma lemma_2 d : snd answer = Disagreer d -> fst answer = Some y.
    Proof.
      destruct removed as (m & Hm & H). apply disagreer_right with m; try assumption.
      intros. apply (table_symmetric fill F F_pixels).
    Qed.

    (** Lemma 3: never a wrong label in case III. *)
    Lemma lemma_3 : snd answer = Majority -> fst answer = Some y.
    Proof. destruct removed as (m & Hm & H). now apply majority_right with m. Qed.

    (** Theorem 1: Algorithm 1 always returns the right label. *)
    Theorem theorem_1 : fst answer = Some y.
    Proof.
      destruct (snd answer) as [|d|] eqn:E; [now apply lemma_1 | now apply lemma_2 with d | now apply lemma_3].
    Qed.
  End Theorem1.
End Defence.
