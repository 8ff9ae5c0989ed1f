(** Products of axes, in any dimension (section 3.4, "Generalizing to 2-D images").
    Python: maskcover.covering.products. *)

From Coq Require Import ZArith List Lia FinFun.
From Maskcover Require Import Cells Erosion Axis.
Import ListNotations.
Open Scope Z_scope.

(** All lists that take one element of each list, in order. *)
Fixpoint choices {A} (lists : list (list A)) : list (list A) :=
  match lists with
  | [] => [[]]
  | first :: rest => flat_map (fun x => map (cons x) (choices rest)) first
  end.

Lemma in_choices : forall A (lists : list (list A)) c, In c (choices lists) <-> Forall2 (@In A) c lists.
Proof.
  intros A lists. induction lists as [|l lists IH]; intro c; simpl.
  - split; [intros [<- | []]; constructor | intro F; inversion F; auto].
  - rewrite in_flat_map. split.
    + intros (x & X & I). apply in_map_iff in I. destruct I as (d & <- & D). constructor; [exact X | apply IH, D].
    + intro F; inversion F; subst. eexists; split; [eassumption|]. apply in_map, IH. assumption.
Qed.

Definition product (counts : list nat) : nat := fold_right Nat.mul 1%nat counts.

Lemma flat_map_length : forall A B (f : A -> list B) k l,
  (forall x, length (f x) = k) -> length (flat_map f l) = (length l * k)%nat.
Proof. intros A B f k l E. induction l; simpl; [reflexivity|]. rewrite app_length, E, IHl. reflexivity. Qed.

Lemma length_choices : forall A (lists : list (list A)), length (choices lists) = product (map (@length A) lists).
Proof.
  intros A lists. induction lists as [|l lists IH]; [reflexivity|]. simpl.
  apply flat_map_length. intro x. rewrite map_length. exact IH.
Qed.

Lemma nodup_flat_map : forall A B (f : A -> list B) l, NoDup l -> (forall x, NoDup (f x)) ->
  (forall x x' y, In y (f x) -> In y (f x') -> x = x') -> NoDup (flat_map f l).
Proof.
  intros A B f l N F D. induction N as [|x l X N IH]; simpl; [constructor|].
  assert (E : forall k, NoDup k -> (forall y, In y k -> In y (f x)) -> NoDup (k ++ flat_map f l)).
  { intros k K. induction K as [|y k Y K IK]; simpl; intro S; [exact IH|]. constructor.
    - rewrite in_app_iff, in_flat_map. intros [? | (x' & X' & I)]; [auto|].
      apply X. rewrite (D x x' y); auto.
    - apply IK. intros z Z; apply S. right; exact Z. }
  apply E; auto.
Qed.

Lemma nodup_choices : forall A (lists : list (list A)), Forall (@NoDup A) lists -> NoDup (choices lists).
Proof.
  intros A lists. induction 1 as [|l lists Hl _ IH]; simpl; [repeat constructor; auto|].
  apply nodup_flat_map; [exact Hl | |].
  - intro x. apply FinFun.Injective_map_NoDup; [intros a b E; congruence | exact IH].
  - intros x x' y I J. apply in_map_iff in I, J. destruct I as (? & <- & _), J as (? & E & _). congruence.
Qed.

(** The placements of one box shape: for each axis its cells and those of the shape. *)
Definition axis_shape := (Z * Z)%type.  (* n, p *)

Definition placed (shape : list axis_shape) (u : cell) : Prop :=
  Forall2 (fun x np => 0 <= x /\ x + snd np <= fst np) u shape.

Definition box_at (u : cell) (sizes : list Z) : box := map (fun p => (fst p, fst p + snd p)) (combine u sizes).

(** Every place of a box shape on the grid. *)
Definition box_regions (shape : list axis_shape) : region_set := fun r =>
  exists u, placed shape u /\ forall c, r c <-> in_box c (box_at u (map snd shape)).

(** Intervals (start, stop) cover the patches of an axis. *)
Definition sides_cover (sides : list (Z * Z)) (np : axis_shape) : Prop :=
  forall u, 0 <= u -> u + snd np <= fst np -> exists side, In side sides /\ fst side <= u /\ u + snd np <= snd side.

(** The masks of a product of axes: one box for each choice of an interval on every axis. *)
Definition product_masks (axes : list (list (Z * Z))) : list mask := map (fun b => [b]) (choices axes).

Lemma hides_one : forall b c, hides [b] c <-> in_box c b.
Proof. intros b c. unfold hides. split; [intro E; inversion E as [? ? I | ? ? I]; [exact I | inversion I] | auto]. Qed.

Lemma product_holds : forall axes shape u, Forall2 sides_cover axes shape -> placed shape u ->
  exists b, In b (choices axes) /\ subbox (box_at u (map snd shape)) b.
Proof.
  intros axes shape u F. revert u. induction F as [|sides np axes shape C F IH]; intros u P; inversion P; subst.
  - exists []. split; [left; reflexivity | constructor].
  - match goal with H : Forall2 _ ?v shape |- _ => destruct (IH v H) as (b & B & S) end.
    destruct (C x) as (side & I & L & U); try tauto.
    exists (side :: b). rewrite in_choices in *. split; [constructor; assumption|].
    constructor; [exact (conj L U) | exact S].
Qed.

(** If every axis is covered for its side of the shape, the product covers the box shape: in any dimension. *)
Theorem product_covers : forall axes shape, Forall2 sides_cover axes shape ->
  covers (product_masks axes) (box_regions shape).
Proof.
  intros axes shape F r (u & P & E). destruct (product_holds axes shape u F P) as (b & B & S).
  exists [b]. split.
  - apply (in_map (fun b => [b])), B.
  - intros c C. apply hides_one. apply (subbox_in _ _ _ S), E, C.
Qed.

(** The converse: if the product covers a shape that has a place, every axis is covered. *)
Theorem product_covers_only_if : forall axes shape, length axes = length shape ->
  Forall (fun np => 1 <= snd np <= fst np) shape -> covers (product_masks axes) (box_regions shape) ->
  Forall2 sides_cover axes shape.
Proof.
  intros axes shape E F C.
  assert (H : forall u, placed shape u -> exists b, In b (choices axes) /\ subbox (box_at u (map snd shape)) b).
  { intros u P. destruct (C (fun c => in_box c (box_at u (map snd shape)))) as (m & M & I).
    { exists u. split; [exact P | reflexivity]. }
    apply in_map_iff in M. destruct M as (b & <- & B). exists b. split; [exact B|].
    apply inside_iff_subbox; [|intros c Hc; apply hides_one, I, Hc].
    clear -F P. revert u P.
    induction F; intros u P; inversion P; subst; constructor; simpl; [lia | apply IHF; assumption]. }
  clear C. revert axes E H. induction F as [|np shape R F IH]; intros [|sides axes] E H; try discriminate; constructor.
  - intros x L U. destruct (H (x :: map (fun _ => 0) shape)) as (b & B & S).
    { constructor; [auto|]. clear -F. induction F; simpl; constructor; [lia | assumption]. }
    apply in_choices in B. inversion B; subst. inversion S; subst. eauto.
  - apply IH; [simpl in E; lia|]. intros u P. destruct (H (0 :: u)) as (b & B & S); [constructor; [lia | exact P]|].
    apply in_choices in B. inversion B; subst. inversion S; subst. eexists. split; [apply in_choices|]; eassumption.
Qed.

(** A product has as many masks as the counts of its axes multiplied. *)
Theorem product_count : forall axes, length (product_masks axes) = product (map (@length (Z * Z)) axes).
Proof. intro axes. unfold product_masks. rewrite map_length. apply length_choices. Qed.

(** The intervals of equal masks. *)
Definition sides_of (m : Z) (starts : list Z) : list (Z * Z) := map (fun i => (i, i + m)) starts.

Lemma sides_cover_of : forall n m starts p, axis_covers n m starts p -> sides_cover (sides_of m starts) (n, p).
Proof.
  intros n m starts p C u L U. destruct (C u L U) as (i & I & H). exists (i, i + m).
  split; [apply (in_map (fun i => (i, i + m))), I | exact H].
Qed.

(** Eq. 1 and 3 on each axis (n, p) with its budget k: the paper's mask set for one box shape. *)
Definition eq3_sides (axis : axis_shape * Z) : list (Z * Z) :=
  let '((n, p), k) := axis in sides_of (eq3_size n p k) (axis_starts n (eq3_size n p k) (eq3_stride n p k)).

Definition sound_axis (axis : axis_shape * Z) : Prop :=
  1 <= snd (fst axis) <= fst (fst axis) /\ 1 <= snd axis.

(** The paper's mask set covers its shape, in any dimension. *)
Theorem paper_product_covers : forall axes, Forall sound_axis axes ->
  covers (product_masks (map eq3_sides axes)) (box_regions (map fst axes)).
Proof.
  intros axes F. apply product_covers.
  induction F as [|((n, p), k) axes [P K] F IH]; simpl; constructor; [|exact IH].
  apply sides_cover_of, eq3_covers; assumption.
Qed.

(** And it keeps the budget: at most the product of the numbers of masks asked for. *)
Theorem paper_product_budget : forall axes, Forall sound_axis axes ->
  (length (product_masks (map eq3_sides axes)) <= product (map (fun axis => Z.to_nat (snd axis)) axes))%nat.
Proof.
  intros axes F. rewrite product_count.
  induction F as [|((n, p), k) axes [P K] F IH]; simpl in *; [lia|].
  apply Nat.mul_le_mono; [|exact IH]. unfold sides_of. rewrite map_length.
  pose proof (eq3_budget n p k P K). lia.
Qed.
