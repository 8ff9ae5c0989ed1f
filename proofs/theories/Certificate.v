(** What a certificate says, and what its claim means. The meaning is here; how it is checked is in Checker.v. *)

From Coq Require Import ZArith NArith List Bool.
From Maskcover Require Import Cells.
Import ListNotations.
Open Scope Z_scope.

(** An amount of cells: so many, or a share of the image, rounded up in the attacker's favour. *)
Inductive amount := Count (n : Z) | Share (p q : Z).

Definition product (sides : list Z) : Z := fold_right Z.mul 1 sides.

Definition amount_in (sides : list Z) (a : amount) : Z :=
  match a with
  | Count n => n
  | Share p q => - (- (p * product sides) / q)
  end.

(** The numbers from a to b. *)
Definition range (a b : Z) : list Z := map (fun k => a + Z.of_nat k) (seq 0 (Z.to_nat (b - a + 1))).

(** The box of these extents at 0. *)
Definition cube (extents : list Z) : box := map (fun e => (0, e)) extents.

Definition all_equal (side : Z) (sides : list Z) : list Z := map (fun _ => side) sides.

(** The least side whose square (on two axes) has so many cells; none if it is longer than the image. *)
Definition square_side (sides : list Z) (a : amount) : option Z :=
  find (fun s => amount_in sides a <=? s ^ Z.of_nat (length sides)) (range 1 (fold_right Z.max 0 sides)).

(** A region text. [Union] and [Both] have two members each; see [union] and [patches] for more. *)
Inductive claim :=
| Squares (side : Z)
| SquaresOf (area : amount)
| Rectangle (extents : list Z)
| Rectangles (area : amount) (least : Z) (aspect : option (Z * Z))
| Bitmap (shape : list box)
| Union (a b : claim)
| Both (a b : claim)
| Avoiding (a : claim) (area : list box)
| Within (a : claim) (area : list box).

(** Any shape of these; patches of these, all at once; so many patches of one kind. *)
Definition union (first : claim) (more : list claim) : claim := fold_left Union more first.
Definition patches_of (first : claim) (more : list claim) : claim := fold_left Both more first.
Definition copies (a : claim) (k : Z) : claim := patches_of a (repeat a (Z.to_nat (k - 1))).

(** The longest side is at most p/q times the shortest. *)
Definition slender (aspect : option (Z * Z)) (e : list Z) : Prop :=
  match aspect with
  | None => True
  | Some (p, q) => forall x y, In x e -> In y e -> x * q <= p * y
  end.

Definition image_of (sides : list Z) : cells := fun c => in_box c (cube sides).

(** A shape anywhere on the image. *)
Definition placed (sides : list Z) (shape : list box) : region_set := fun r =>
  exists u, length u = length sides
    /\ (forall c, r c <-> moved (hides shape) u c) /\ inside r (image_of sides).

(** The regions that a claim speaks of. *)
Fixpoint regions (sides : list Z) (c : claim) : region_set :=
  match c with
  | Squares s => placed sides [cube (all_equal s sides)]
  | SquaresOf a => fun r =>
      exists s, square_side sides a = Some s /\ placed sides [cube (all_equal s sides)] r
  | Rectangle e => placed sides [cube e]
  | Rectangles a least aspect => fun r =>
      exists e, length e = length sides /\ Forall (fun x => least <= x) e
        /\ product e <= amount_in sides a /\ slender aspect e /\ placed sides [cube e] r
  | Bitmap shape => placed sides shape
  | Union a b => fun r => regions sides a r \/ regions sides b r
  | Both a b => fun r =>
      exists s t, regions sides a s /\ regions sides b t /\ (forall c, r c <-> s c \/ t c)
  | Avoiding a area => fun r => regions sides a r /\ (forall c, r c -> ~ hides area c)
  | Within a area => fun r => regions sides a r /\ inside r (hides area)
  end.

(** The evidence, as the file has it: stencils with their places in tiles, each with the number of a signature. *)
Record tiled := Tiled { shape : list box; places : list box; tiles : list (box * N) }.

Record evidence := Evidence {
  patches : list N;  (** the slot of each patch *)
  slots : list (list tiled);
  signatures : option (list (list N))  (** lists of masks; none: the number of a tile is that of a mask *)
}.

Record certificate := Certificate {
  image : list Z;
  masks : list mask;
  claimed : claim;
  terms : list evidence
}.
