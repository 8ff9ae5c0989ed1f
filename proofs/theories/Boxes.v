(** Boxes with decidable operations: what boxes leave of a box, containment, sweeping, and their correctness. *)

From Coq Require Import ZArith List Lia Bool.
From Maskcover Require Import Cells Certificate.
Import ListNotations.
Open Scope Z_scope.

(** Whether the boxes have a common cell; boxes of different dimensions are said to have one, which is never wrong. *)
Fixpoint meets (a b : box) : bool :=
  match a, b with
  | (l, h) :: a', (l', h') :: b' => (Z.max l l' <? Z.min h h') && meets a' b'
  | _, _ => true
  end.

(** What a box leaves of another one that it meets. *)
Fixpoint minus (b o : box) : list box :=
  match b, o with
  | [], [] => []
  | (l, h) :: b', (l', h') :: o' =>
      (if l <? l' then [(l, Z.min h l') :: b'] else [])
      ++ (if h' <? h then [(Z.max l h', h) :: b'] else [])
      ++ map (cons (Z.max l l', Z.min h h')) (minus b' o')
  | _, _ => [b]
  end.

Definition cut (b o : box) : list box := if meets b o then minus b o else [b].

(** What boxes leave of a box. *)
Fixpoint left_by (parts : list box) (os : list box) : list box :=
  match os with
  | [] => parts
  | o :: rest => left_by (flat_map (fun p => cut p o) parts) rest
  end.

Definition left (b : box) (os : list box) : list box := left_by [b] os.

Definition is_nil {A} (l : list A) : bool := match l with [] => true | _ => false end.

(** Whether every cell of the box lies in one of the boxes. *)
Definition covered (b : box) (os : list box) : bool := is_nil (left b os).

Lemma minus_spec : forall b o c, in_box c b -> in_box c o \/ Exists (in_box c) (minus b o).
Proof.
  induction b as [| [l h] b IH]; intros [| [l' h'] o] c H; simpl.
  - left. exact H.
  - right. constructor. exact H.
  - right. constructor. exact H.
  - inversion H as [| x ? c' ? Hx Hc]; subst. simpl in Hx.
    rewrite !Exists_app.
    destruct (Z_lt_ge_dec x l') as [Hl | Hl].
    { right. left. destruct (Z.ltb_spec l l'); [| lia].
      constructor. constructor; [simpl; lia | exact Hc]. }
    destruct (Z_lt_ge_dec x h') as [Hh | Hh].
    { destruct (IH o c' Hc) as [Ho | Hr].
      - left. constructor; [simpl; lia | exact Ho].
      - right. right. right. apply Exists_exists in Hr. destruct Hr as [p [Hp Hcp]].
        apply Exists_exists. exists ((Z.max l l', Z.min h h') :: p). split.
        + apply in_map. exact Hp.
        + constructor; [simpl; lia | exact Hcp]. }
    right. right. left. destruct (Z.ltb_spec h' h); [| lia].
    constructor. constructor; [simpl; lia | exact Hc].
Qed.

Lemma cut_spec : forall b o c, in_box c b -> in_box c o \/ Exists (in_box c) (cut b o).
Proof.
  intros b o c H. unfold cut. destruct (meets b o).
  - apply minus_spec. exact H.
  - right. constructor. exact H.
Qed.

Lemma left_by_spec : forall os parts c,
  Exists (in_box c) parts -> Exists (in_box c) os \/ Exists (in_box c) (left_by parts os).
Proof.
  induction os as [| o os IH]; intros parts c H; simpl.
  - right. exact H.
  - apply Exists_exists in H. destruct H as [p [Hp Hc]].
    destruct (cut_spec p o c Hc) as [Ho | Hr].
    + left. constructor. exact Ho.
    + assert (E : Exists (in_box c) (flat_map (fun p => cut p o) parts)).
      { apply Exists_exists in Hr. destruct Hr as [q [Hq Hcq]]. apply Exists_exists.
        exists q. split; [| exact Hcq]. apply in_flat_map. exists p. split; assumption. }
      destruct (IH _ _ E) as [H | H].
      * left. apply Exists_cons_tl. exact H.
      * right. exact H.
Qed.

Lemma left_spec : forall b os c, in_box c b -> Exists (in_box c) os \/ Exists (in_box c) (left b os).
Proof. intros. apply left_by_spec. constructor. assumption. Qed.

Lemma covered_spec : forall b os c, covered b os = true -> in_box c b -> Exists (in_box c) os.
Proof.
  unfold covered. intros b os c H Hc. destruct (left_spec b os c Hc) as [E | E]; [exact E |].
  destruct (left b os); [inversion E | discriminate].
Qed.

Lemma meets_spec : forall a b c, meets a b = false -> in_box c a -> in_box c b -> False.
Proof.
  induction a as [| [l h] a IH]; intros [| [l' h'] b] c H Ha Hb; simpl in H; try discriminate.
  inversion Ha as [| x ? c' ? Hx Hc]; subst. inversion Hb as [| ? ? ? ? Hx' Hc']; subst. simpl in *.
  apply andb_false_iff in H. destruct H as [H | H].
  - apply Z.ltb_ge in H. lia.
  - exact (IH _ _ H Hc Hc').
Qed.

(** All cells that a box touches as it moves over a box of placements. *)
Fixpoint swept (t b : box) : box :=
  match t, b with
  | (l, h) :: t', (f, s) :: b' => (l + f, h + s - 1) :: swept t' b'
  | _, _ => []
  end.

Lemma swept_spec : forall u t d b, in_box u t -> in_box d b -> in_box (plus u d) (swept t b).
Proof.
  intros u t d b Hu. revert d b. induction Hu as [| x [l h] u t Hx Hu IH]; intros d b Hd.
  - constructor.
  - destruct Hd as [| y [f s] d b Hy Hd]; [constructor |].
    unfold plus. simpl. constructor; [simpl in *; lia |]. apply IH. exact Hd.
Qed.

(** Whether a box has so many axes, and a cell. *)
Definition valid (n : nat) (b : box) : bool :=
  Nat.eqb (length b) n && forallb (fun side => fst side <? snd side) b.

Definition low (b : box) : cell := map fst b.
Definition high (b : box) : cell := map (fun side => snd side - 1) b.

Lemma corners : forall b, forallb (fun side => fst side <? snd side) b = true -> in_box (low b) b /\ in_box (high b) b.
Proof.
  induction b as [| [l h] b IH]; simpl; intros H; [split; constructor |].
  apply andb_true_iff in H. destruct H as [H1 H2]. apply Z.ltb_lt in H1. simpl in H1.
  destruct (IH H2). split; constructor; simpl; try lia; assumption.
Qed.

(** Where a box may lie on an image. *)
Fixpoint room_of (sides : list Z) (b : box) : box :=
  match sides, b with
  | s :: sides', (l, h) :: b' => (- l, s - h + 1) :: room_of sides' b'
  | _, _ => []
  end.

Lemma room_of_spec : forall sides b u,
  length u = length sides -> length b = length sides ->
  in_box (plus u (low b)) (cube sides) -> in_box (plus u (high b)) (cube sides) ->
  in_box u (room_of sides b).
Proof.
  induction sides as [| s sides IH]; intros [| [l h] b] [| x u] Hu Hb Hl Hh; try discriminate.
  - constructor.
  - inversion Hl; inversion Hh; subst. simpl in *. constructor.
    + simpl. lia.
    + apply IH; try lia; assumption.
Qed.

(** The placements at which a box meets a barrier. *)
Fixpoint blocked (a b : box) : box :=
  match a, b with
  | (al, ah) :: a', (bl, bh) :: b' => (al - bh + 1, ah - bl) :: blocked a' b'
  | _, _ => []
  end.

Lemma blocked_spec : forall a b u,
  length a = length b ->
  forallb (fun side => fst side <? snd side) a = true -> forallb (fun side => fst side <? snd side) b = true ->
  in_box u (blocked a b) -> exists d, in_box d b /\ in_box (plus u d) a.
Proof.
  induction a as [| [al ah] a IH]; intros [| [bl bh] b] u Hn Ha Hb Hu; try discriminate.
  - exists []. inversion Hu; subst. split; constructor.
  - simpl in *. apply andb_true_iff in Ha. apply andb_true_iff in Hb.
    destruct Ha as [Ha1 Ha]. destruct Hb as [Hb1 Hb]. apply Z.ltb_lt in Ha1. apply Z.ltb_lt in Hb1.
    inversion Hu as [| x ? u' ? Hx Hu']; subst. simpl in *.
    destruct (IH b u') as [d [Hd Hp]]; try assumption; try lia.
    exists (Z.max bl (al - x) :: d). split.
    + constructor; [simpl; lia | exact Hd].
    + unfold plus. simpl. constructor; [simpl; lia | exact Hp].
Qed.

(** The common cells of two boxes of the same dimension. *)
Fixpoint meet (a b : box) : box :=
  match a, b with
  | (l, h) :: a', (l', h') :: b' => (Z.max l l', Z.min h h') :: meet a' b'
  | _, _ => []
  end.

Lemma meet_spec : forall a b c, in_box c a -> in_box c b -> in_box c (meet a b).
Proof.
  intros a b c Ha. revert b. induction Ha as [| x [l h] c a Hx Ha IH]; intros b Hb.
  - constructor.
  - inversion Hb as [| ? [l' h'] ? b' Hx' Hb']; subst. simpl in *.
    constructor; [simpl; lia | apply IH; exact Hb'].
Qed.

(** The placements u at which a box [i] lies inside a box [o] at one of the placements [p]. *)
Fixpoint grown (p o i : box) : option box :=
  match p, o, i with
  | [], [], [] => Some []
  | (l, h) :: p', (f, g) :: o', (s, t) :: i' =>
      if (l <? h) && (t - s <=? g - f) then
        match grown p' o' i' with
        | Some rest => Some ((l + f - s, h + g - t) :: rest)
        | None => None
        end
      else None
  | _, _, _ => None
  end.

Lemma grown_spec : forall p o i q u, grown p o i = Some q -> in_box u q ->
  exists v, in_box v p /\ forall d, in_box d i -> exists d', in_box d' o /\ plus u d = plus v d'.
Proof.
  induction p as [| [l h] p IH]; intros [| [f g] o] [| [s t] i] q u H Hu; simpl in H; try discriminate.
  - injection H as <-. inversion Hu; subst. exists []. split; [constructor |].
    intros d Hd. inversion Hd; subst. exists []. split; [constructor | reflexivity].
  - destruct ((l <? h) && (t - s <=? g - f)) eqn:E; [| discriminate].
    apply andb_true_iff in E. destruct E as [E1 E2]. apply Z.ltb_lt in E1. apply Z.leb_le in E2.
    destruct (grown p o i) as [q' |] eqn:G; [| discriminate]. injection H as <-.
    inversion Hu as [| x ? u' ? Hx Hu']; subst. simpl in Hx.
    destruct (IH o i q' u' G Hu') as [v [Hv Hd]].
    exists (Z.min (h - 1) (x + s - f) :: v). split.
    + constructor; [simpl; lia | exact Hv].
    + intros d H. inversion H as [| y ? d' ? Hy Hd']; subst. simpl in Hy.
      destruct (Hd d' Hd') as [e [He Heq]].
      exists (x + y - Z.min (h - 1) (x + s - f) :: e). split.
      * constructor; [simpl; lia | exact He].
      * unfold plus in *. simpl. f_equal; [lia | exact Heq].
Qed.

Lemma plus_length : forall u d, length (plus u d) = Nat.min (length u) (length d).
Proof. intros. unfold plus. rewrite map_length, combine_length. reflexivity. Qed.

Lemma in_box_length : forall c b, in_box c b -> length c = length b.
Proof. intros c b H. induction H; simpl; congruence. Qed.
