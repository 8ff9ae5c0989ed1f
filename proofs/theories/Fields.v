(** Fields: what a network says of a view, or of a cell of its features, depends on the pixels of a field alone. A
    region touches the view if it meets the field. Split networks (PatchCURE) hide cells of the features; double masking
    then works on the grid of the features as it does on pixels. Python: maskcover.regions.preprocessing. *)

From Coq Require Import ZArith List Bool Lia.
From Maskcover Require Import Cells Tables DoubleMasking RowTheorem.
Import ListNotations.

(** The region has no cell in the field. *)
Definition misses (r field : cells) : Prop := forall c, r c -> ~ field c.

(** Two images with the same pixels in the field of a view get the same from that view. *)
Definition local_to {pixel view out} (field : view -> cells) (F : image pixel -> view -> out) : Prop :=
  forall x x' v, (forall c, field v c -> x c = x' c) -> F x v = F x' v.

(** An attack within a region changes nothing that is said of the views it does not touch. *)
Lemma untouched_same {pixel view out} (field : view -> cells) (F : image pixel -> view -> out) :
  local_to field F ->
  forall r x x' v, differ_inside r x x' -> misses r (field v) -> F x' v = F x v.
Proof.
  intros Local r x x' v Hx Misses. symmetry. apply Local. intros c Hc. apply Hx. intros Hr. now apply (Misses c).
Qed.

(** A view that hides the cells of a mask: its field is what the mask shows. *)
Definition shown (m : mask) : cells := fun c => ~ hides m c.

Theorem hidden_view_local {pixel out} (fill : image pixel) (F : image pixel -> out) :
  respects_pixels F -> local_to shown (fun x m => F (hide fill [m] x)).
Proof.
  intros Pixels x x' m Same. apply Pixels. intros c. unfold hide. simpl. rewrite orb_false_r.
  destruct (hidesb m c) eqn:E; [reflexivity|]. apply Same. unfold shown. rewrite <- hidesb_iff. congruence.
Qed.

(** So a region inside the mask leaves the view untouched: the covering relation, with the masks of the views. *)
Theorem inside_misses r m : inside r (hides m) <-> misses r (shown m).
Proof.
  unfold inside, misses, shown. split.
  - intros H c Hc Shown. now apply Shown, H.
  - intros H c Hc. apply hidesb_iff. destruct (hidesb m c) eqn:E; [reflexivity|].
    destruct (H c Hc). rewrite <- hidesb_iff. congruence.
Qed.

Section Split.
  Variables pixel feature : Type.

  (** The front end makes an image of features, each of the pixels of its field alone. *)
  Variable front : image pixel -> image feature.
  Variable field : cell -> cells.
  Hypothesis front_local : local_to field front.

  (** The cells of the features that a region touches. *)
  Definition touched (r : cells) : cells := fun j => exists c, r c /\ field j c.

  (** The regions of the features that the regions of the pixels can touch: [through] in Python. *)
  Definition through (R : region_set) : region_set := fun s => exists r, R r /\ forall j, s j <-> touched r j.

  (** An attack on the pixels of a region is an attack on the features that it touches. *)
  Theorem front_attack r x x' : differ_inside r x x' -> differ_inside (touched r) (front x) (front x').
  Proof.
    intros Hx j Hj. apply front_local. intros c Hc. apply Hx. intros Hr. apply Hj. now exists c.
  Qed.

  Variable fill : image feature.

  (** If the touched cells are hidden, the masked features are those of the clean image. *)
  Theorem masked_features r x x' m masks :
    differ_inside r x x' -> inside (touched r) (hides m) -> In m masks ->
    alike (hide fill masks (front x)) (hide fill masks (front x')).
  Proof. intros Hx. apply hide_alike. now apply front_attack. Qed.

  Variable head : image feature -> label.
  Hypothesis head_features : respects_pixels head.

  (** The row theorem on the grid of the features. *)
  Theorem split_row M x y g r majority order x' :
    In g M -> right (table fill head (front x)) M y g -> inside (touched r) (hides g) ->
    any_order order -> differ_inside r x x' ->
    fst (defended feature fill head majority order M (front x')) = Some y.
  Proof.
    intros Hg Hright Hr Horder Hx.
    apply (row_theorem feature fill head head_features M (front x) y g (touched r)); try assumption.
    now apply front_attack.
  Qed.

  (** The certificate: the masks with right rows cover what the regions touch on the grid. *)
  Theorem split_certificate M x y R majority order :
    covers (G feature fill head M (front x) y) (through R) -> any_order order ->
    forall r x', R r -> differ_inside r x x' ->
    fst (defended feature fill head majority order M (front x')) = Some y.
  Proof.
    intros H Horder r x' Hr Hx.
    apply (row_certificate feature fill head head_features M (front x) y (through R)) with (r := touched r);
      try assumption; [now exists r | now apply front_attack].
  Qed.
End Split.

(** Along an axis cell j sees [size] pixels from j * stride - padding on. *)
Section Axis.
  Open Scope Z_scope.
  Variables size stride padding : Z.
  Hypothesis size_positive : 0 < size.
  Hypothesis stride_positive : 0 < stride.

  Definition sees (j pixel : Z) : Prop := j * stride - padding <= pixel < j * stride - padding + size.

  (** The first and the last cell that see a pixel from [start] up to, but not, [stop], where cells have no end. *)
  Definition first_touched (start : Z) : Z := (start + padding - size) / stride + 1.
  Definition last_touched (stop : Z) : Z := (stop - 1 + padding) / stride.

  (** They are a run, and this is where it starts and ends. *)
  Theorem touched_run start stop j :
    start < stop ->
    ((exists pixel, start <= pixel < stop /\ sees j pixel) <-> first_touched start <= j <= last_touched stop).
  Proof.
    intros Region. unfold sees, first_touched, last_touched.
    pose proof (Z.div_mod (start + padding - size) stride ltac:(lia)) as A.
    pose proof (Z.mod_pos_bound (start + padding - size) stride stride_positive) as A'.
    pose proof (Z.div_mod (stop - 1 + padding) stride ltac:(lia)) as B.
    pose proof (Z.mod_pos_bound (stop - 1 + padding) stride stride_positive) as B'.
    set (a := (start + padding - size) / stride) in *. set (b := (stop - 1 + padding) / stride) in *. split.
    - intros (pixel & In_region & Seen). nia.
    - intros [Low High]. exists (Z.max start (j * stride - padding)). nia.
  Qed.

  (** A region of n pixels touches at most ⌈(n + size - 1) / stride⌉ cells: 5, 6 and 8 for 32 pixels, a stride of 8 and
      fields of 9, 17 and 33 pixels. *)
  Theorem touched_count start n :
    0 < n -> last_touched (start + n) - first_touched start + 1 <= (n + size - 1 + (stride - 1)) / stride.
  Proof.
    intros Positive. unfold first_touched, last_touched.
    pose proof (Z.div_mod (start + padding - size) stride ltac:(lia)) as A.
    pose proof (Z.mod_pos_bound (start + padding - size) stride stride_positive) as A'.
    pose proof (Z.div_mod (start + n - 1 + padding) stride ltac:(lia)) as B.
    pose proof (Z.mod_pos_bound (start + n - 1 + padding) stride stride_positive) as B'.
    pose proof (Z.div_mod (n + size - 1 + (stride - 1)) stride ltac:(lia)) as C.
    pose proof (Z.mod_pos_bound (n + size - 1 + (stride - 1)) stride stride_positive) as C'.
    nia.
  Qed.
End Axis.
