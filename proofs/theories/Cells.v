(** Cells, boxes, masks, regions, and what covering means. Everything else speaks of these. *)

From Coq Require Import ZArith List Lia Bool.
Import ListNotations.
Open Scope Z_scope.

(** A cell of an N-dimensional lattice: its coordinates, one for each axis. *)
Definition cell := list Z.

(** A half-open box: for each axis where it starts, and where it stops. *)
Definition box := list (Z * Z).

Definition in_box (c : cell) (b : box) : Prop :=
  Forall2 (fun x side => fst side <= x < snd side) c b.

(** A set of cells: a region that an attacker may overwrite, or anything else. *)
Definition cells := cell -> Prop.

(** A mask hides the cells of some boxes. *)
Definition mask := list box.

Definition hides (m : mask) : cells := fun c => Exists (in_box c) m.

Definition inside (r s : cells) : Prop := forall c, r c -> s c.

(** A set of regions: those that the attacker may choose from. *)
Definition region_set := cells -> Prop.

(** Definition 1 of the paper: every region lies wholly inside some mask. *)
Definition covers (masks : list mask) (regions : region_set) : Prop :=
  forall r, regions r -> exists m, In m masks /\ inside r (hides m).

(** A stencil moved by a vector. *)
Definition plus (c d : cell) : cell := map (fun p => fst p + snd p) (combine c d).

Definition moved (s : cells) (u : cell) : cells :=
  fun c => exists d, s d /\ c = plus u d.
