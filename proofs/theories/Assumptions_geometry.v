(** What the theorems of geometry stand on. Each line printed must be "Closed under the global context". *)

From Maskcover Require Import Erosion Axis Folds Products Dominance AppendixB Patches Signatures LowerBounds Weights.

Print Assumptions covers_iff_erosions.
Print Assumptions covers_dominated.
Print Assumptions inside_iff_subbox.
Print Assumptions erosion_of_boxes.

Print Assumptions eq1_starts.
Print Assumptions starts_ascend.
Print Assumptions eq2_count.
Print Assumptions starts_on_axis.
Print Assumptions axis_covers_iff.
Print Assumptions lemma4.
Print Assumptions lemma4_converse.
Print Assumptions eq3_budget.
Print Assumptions eq3_covers.

Print Assumptions folded_ascend.
Print Assumptions folded_count.
Print Assumptions folded_once.
Print Assumptions lemma4_folded.

Print Assumptions product_covers.
Print Assumptions product_covers_only_if.
Print Assumptions product_count.
Print Assumptions paper_product_covers.
Print Assumptions paper_product_budget.

Print Assumptions larger_shape_suffices.
Print Assumptions listed_iff_maximal.
Print Assumptions family_inside_listed.
Print Assumptions listed_suffice.
Print Assumptions maximal_of_one_percent.

Print Assumptions six_shapes_hold.
Print Assumptions six_shapes_suffice.
Print Assumptions six_masks_count.
Print Assumptions six_masks_cover.

Print Assumptions unions_cover.
Print Assumptions unions_count.
Print Assumptions covers_iff_signatures.
Print Assumptions minimal_signatures_suffice.

Print Assumptions minimal_stands.
Print Assumptions minimal_shared_below.
Print Assumptions covers_iff_minimal_shared.

Print Assumptions independent_bound.
Print Assumptions strided_covers.
Print Assumptions product_minimal.
Print Assumptions axis_minimal.
Print Assumptions thirty_six.
Print Assumptions eq3_smallest.
Print Assumptions weighted_bound.
