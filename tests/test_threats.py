"""Which tests stand against which threat of threats.md, from 12 on: where to look, and that nothing was lost."""

from __future__ import annotations

import re

import pytest

TESTS = {
    12: [
        "runs/test_source_frame.py::test_what_is_painted_on_the_picture_changes_the_input_inside_one_mask_only",
        "data/test_preprocessing.py::test_a_pixel_changes_only_what_the_frames_say_it_can_reach",
    ],
    13: [
        "adapters/test_timm.py::test_wrappers_keep_the_preprocessing",
        "adapters/test_timm.py::test_what_hides_the_model_hides_the_preprocessing_and_says_so",
        "adapters/test_timm.py::test_what_a_configuration_does_not_say_is_not_guessed",
        "adapters/test_refusals.py::test_images_prepared_otherwise_than_the_model_declares",
    ],
    14: [
        "data/test_preprocessing.py::test_threat_14_the_bits_of_one_picture_are_those_of_every_machine",
        "adapters/test_transformers.py::test_the_preprocessing_is_what_the_processor_does_by_pillow",
        "adapters/test_transformers.py::test_what_cannot_be_done_to_the_bit_is_refused_with_the_remedy",
    ],
    15: [  # fill or colour space differs between certifying and serving; selection, not multiplication
        "adapters/test_torch.py::test_certifying_and_serving_give_the_model_byte_equal_tensors",
        "adapters/test_torch.py::test_what_is_hidden_does_not_touch_a_bit_of_the_scores",
        "adapters/test_torch_fingerprint.py::test_threat_15_the_preprocessing_is_part_of_what_is_certified_and_told_to_what_serves",
    ],
    16: [
        "data/test_images.py::test_threat_16_two_reads_of_one_file_are_equal",
        "data/test_opening.py::test_threat_16_data_opened_twice_are_the_same",
        "data/test_mapstyle.py::test_threat_16_what_is_drawn_at_random_is_refused",
    ],
    17: [
        "engine/test_probes.py::test_threat_17_a_classifier_that_sees_hidden_pixels_is_stopped",
        "adapters/test_torch_evaluator.py::test_threats_20_21_22_28_modules_that_break_an_assumption_are_stopped",
    ],
    18: [
        "data/test_images.py::test_odd_files_are_refused_by_name",
        "data/test_images.py::test_an_enormous_image_is_refused",
        "data/test_images.py::test_a_photo_turned_by_its_camera_is_turned_upright",
        "cli/test_runs.py::test_a_broken_file_is_an_error_row_and_leaves_the_claim_undecided",
        "cli/test_data.py::test_threat_18_odd_files_are_rows_of_errors_and_the_others_are_right",
    ],
    19: [
        "adapters/test_torch.py::test_training_mode_anywhere_is_refused_and_named",
        "adapters/test_torch.py::test_training_mode_switched_on_later_is_refused",
        "adapters/test_torch_outputs.py::test_a_module_exported_in_training_mode_is_refused",
    ],
    20: [
        "engine/test_probes.py::test_threat_20_rows_that_influence_each_other_are_stopped",
        "engine/test_batch_faults.py::test_threat_20_a_leak_into_middle_rows_only_is_stopped",
        "engine/test_batch_faults.py::test_every_place_of_a_batch_is_probed",
    ],
    21: [
        "engine/test_probes.py::test_threat_21_a_tiny_difference_between_rows_stops_where_bits_are_wanted_and_goes_on_with_a_margin",
        "engine/test_settings.py::test_threat_21_a_margin_takes_over_loudly_if_no_size_but_one_holds_to_the_bit",
        "engine/test_settings.py::test_threat_21_no_margin_takes_over_for_what_leaks",
        "engine/test_settings.py::test_a_margin_that_takes_over_is_a_hundred_times_what_was_seen",
        "cli/test_defense.py::test_threat_21_a_margin_takes_over_loudly_unless_bits_are_insisted_on",
        "engine/test_probes.py::test_threat_21_a_difference_that_is_too_large_for_the_margin_stops",
        "adapters/test_torch.py::test_a_certified_image_is_served_its_label_wherever_it_stands_in_a_batch",
        "adapters/test_torch_evaluator.py::test_answers_of_a_row_do_not_depend_on_its_place",
    ],
    22: ["adapters/test_torch_numerics.py::test_threat_22_fresh_processes_give_the_same_bits"],
    23: [
        "adapters/test_torch_numerics.py::test_threat_23_flags_are_pinned_inside_every_pass_and_put_back",
        "adapters/test_torch_numerics.py::test_threat_23_flags_changed_during_a_run_stop_it",
        "adapters/test_torch.py::test_autocast_around_a_certification_changes_no_score",
    ],
    24: [
        "adapters/test_torch_fingerprint.py::test_threat_24_served_otherwise_than_certified_is_refused",
        "adapters/test_torch_fingerprint.py::test_threat_24_threads_and_attention_kernels_are_part_of_it",
    ],
    25: [
        "engine/test_margin.py::test_only_a_lead_above_the_margin_certifies",
        "adapters/test_torch.py::test_ties_of_bfloat16_stay_ties",
        "classifiers/test_labels.py::test_a_row_has_a_label_only_if_its_scores_are_finite_and_its_top_is_unique",
    ],
    26: [
        "certification/test_methods.py::test_threat_26_a_score_that_is_not_finite_anywhere_is_an_error",
        "certification/test_faults.py::test_a_broken_model_certifies_no_class_not_even_the_first",
        "runs/test_running.py::test_scores_that_are_not_finite_are_an_error_with_a_reason",
    ],
    27: [
        "adapters/test_torch.py::test_outputs_that_are_not_one_tensor_of_scores_are_refused",
        "adapters/test_torch_outputs.py::test_what_can_be_read_in_two_ways_is_refused_with_its_entries",
        "adapters/test_contract.py::test_each_fault_fails_the_test_that_is_about_it",
        "certification/test_faults.py::test_a_label_that_the_classifier_cannot_say_is_refused",
        "data/test_classes.py::test_the_first_label_that_is_no_class_is_named",
        "certification/test_faults.py::test_an_answer_of_another_form_at_any_call_is_refused",
    ],
    28: [
        "engine/test_probes.py::test_threat_28_a_classifier_whose_words_about_itself_change_during_the_run_is_stopped",
        "adapters/test_torch_evaluator.py::test_threats_20_21_22_28_modules_that_break_an_assumption_are_stopped",
    ],
    29: [
        "adapters/test_torch_fingerprint.py::test_threat_29_a_changed_model_is_not_served",
        "runs/test_replaying.py::test_changed_weights_flip_rows_and_are_named",
    ],
    30: [
        "runs/test_replaying.py::test_changed_weights_that_flip_nothing_are_named_all_the_same",
        "cli/test_runs.py::test_a_replay_finds_no_flip_and_another_model_is_found_out",
    ],
    31: [
        "engine/test_probed_faults.py::test_threat_31_with_probes_a_fault_at_any_call_certifies_no_more",
        "engine/test_probed_faults.py::test_threat_31_isolated_images_are_certified_no_more_than_without_the_fault",
        "certification/test_faults.py::test_a_broken_answer_at_any_call_never_certifies_more",
        "engine/test_isolation.py::test_an_image_that_cannot_be_evaluated_fails_alone",
    ],
    32: [
        "defense/test_exhaustive_tables.py::test_algorithm_1_decides_as_the_paper_writes_it",
        "defense/test_exhaustive_tables.py::test_algorithm_2_certifies_as_the_paper_writes_it",
        "defense/test_exhaustive_tables.py::test_challenger_masking_decides_as_the_paper_describes_it",
        "defense/test_exhaustive_tables.py::test_detection_certifies_by_its_definition_and_its_levels_say_so_for_every_threshold",
        "certification/test_certify.py::test_verdicts_are_those_of_the_naive_algorithms",
    ],
    33: [
        "runs/test_runs_stateful.py::TestRuns",
        "runs/test_killed_runs.py::test_a_run_that_is_killed_ten_times_ends_with_the_same_rows",
        "runs/test_folder.py::test_another_configuration_is_refused_by_name_and_changes_nothing",
        "runs/test_folder.py::test_a_shard_that_is_damaged_or_of_another_place_is_refused_by_name",
    ],
    34: [
        "certification/test_results.py::test_the_interval_is_exact_by_the_tails_of_the_binomial",
        "runs/test_running.py::test_the_summary_counts_the_rows_that_are_there",
        "cli/test_runs.py::test_a_run_is_kept_resumed_and_reported",
        "cli/test_data.py::test_threat_34_a_sample_is_told_with_its_size_its_seed_and_an_interval",
    ],
    35: ["certification/test_faults.py::test_certificates_demand_true_labels_before_anything_is_computed"],
    36: ["certification/test_results.py::test_the_claim_is_written_from_the_region_set_that_was_checked"],
    37: ["adapters/test_demo.py::test_hostile_names_stay_text"],
    38: [
        "adapters/test_onnx_files.py::test_threat_38_other_weights_beside_the_same_file_are_not_served",
        "adapters/test_onnx_files.py::test_weights_beside_the_file_are_found_wherever_one_stands",
    ],
    39: [
        "adapters/test_torch_binding.py::test_threat_39_what_no_fingerprint_names_is_not_served",
        "adapters/test_torch_binding.py::test_threat_39_a_run_does_not_go_on_and_a_replay_tells",
        "engine/test_reference.py::test_the_same_classifier_scores_the_same_and_another_does_not",
        "runs/test_bound_runs.py::test_another_model_that_says_the_same_of_itself_is_refused_and_reported",
        "runs/test_bound_runs.py::test_what_a_run_certified_is_served_in_another_process_without_its_images",
        "cli/test_runs.py::test_threat_39_predictions_of_another_model_are_refused",
    ],
    40: [
        "adapters/test_torch_binding.py::test_threat_40_weights_changed_after_defend_are_not_served",
        "adapters/test_torch_binding.py::test_threat_40_what_is_changed_after_defend_is_not_served_at_the_next_call",
        "adapters/test_torch_binding.py::test_threat_40_other_threads_are_not_served_or_not_taken",
        "adapters/test_torch_binding.py::test_threat_40_what_the_defence_is_cannot_be_set",
        "engine/test_reference.py::test_threat_40_a_plain_classifier_that_is_changed_is_not_served_at_the_next_call",
    ],
    41: [
        "runs/test_pixels.py::test_other_pictures_with_the_same_labels_are_refused_before_anything_is_made",
        "runs/test_pixels.py::test_pictures_that_change_half_way_are_named_by_the_first_and_the_last_of_each_shard",
        "runs/test_pixels.py::test_a_replay_compares_the_pixels_of_each_row",
        "cli/test_runs.py::test_threat_41_pictures_that_changed_are_told_by_replay_and_refused_by_resume_and_attack",
    ],
    42: [
        "classifiers/test_mixed_images.py::test_threat_42_an_image_is_scored_as_it_is_alone_whatever_its_neighbours",
        "classifiers/test_mixed_images.py::test_an_image_that_does_not_fit_is_an_error_of_that_image",
        "classifiers/test_mixed_images.py::test_one_odd_image_does_not_decide_for_those_that_are_served_later",
    ],
    43: ["engine/test_batch_faults.py::test_threat_43_control_flow_over_a_batch_is_stopped"],
    44: [
        "adapters/test_sklearn_decisions.py::test_threat_44_a_model_that_decides_otherwise_is_refused",
        "adapters/test_sklearn_decisions.py::test_where_a_model_says_otherwise_later_there_is_no_label_and_no_certificate",
        "adapters/test_sklearn_decisions.py::test_equal_votes_are_no_label_though_the_model_takes_one",
        "adapters/test_onnx.py::test_threat_44_the_labels_that_a_network_gives_are_held_against_its_scores",
    ],
    45: [
        "cli/test_runs.py::test_threat_45_code_that_a_run_names_is_not_run_until_it_is_typed",
        "cli/test_runs.py::test_an_adapter_of_others_is_code_too",
    ],
    46: [
        "adapters/test_fields.py::test_what_loses_nan_is_caught_by_bits",
        "adapters/test_fields.py::test_a_network_that_mixes_the_image_is_refused_with_what_mixes",
        "adapters/test_local.py::test_probes_reach_cells_at_the_border_with_huge_numbers_and_nan",
        "adapters/test_split.py::test_a_finished_run_is_asked_about_regions_on_images",
        "adapters/test_split.py::test_regions_drawn_on_cells_are_refused",
    ],
    47: [
        "defense/test_voting.py::test_evidence_is_rounded_and_stays_in_its_range",
        "defense/test_robust.py::test_no_attack_breaks_a_certificate",
        "defense/test_robust.py::test_a_margin_certifies_nothing",
    ],
    48: [
        "defense/test_voting.py::test_the_stride_that_does_not_divide_touches_one_view_more",
        "defense/test_voting.py::test_sums_over_masks_are_those_of_counting",
    ],
    49: [
        "adapters/test_torch_intervals.py::test_exact_and_computed_scores_lie_within_the_bounds",
        "adapters/test_torch_intervals.py::test_every_order_of_a_sum_lies_within_the_bounds",
        "adapters/test_torch_intervals.py::test_certain_labels_are_those_of_every_image",
        "defense/test_intervals.py::test_an_ordinary_classifier_is_refused_everywhere",
        "defense/test_intervals.py::test_a_run_with_other_predictions_is_not_asked_about_intervals_nor_reused",
    ],
    51: [
        "choosing/test_choose.py::test_threat_51_the_winner_is_certified_on_other_images_and_refused_on_the_same",
        "choosing/test_choose.py::test_threat_51_the_report_says_that_it_is_optimistic_and_which_images_chose",
        "cli/test_choose.py::test_images_that_chose_are_refused_before_anything_is_predicted",
    ],
    53: [
        "data/test_readers.py::test_names_that_are_given_win_in_every_form",
        "data/test_readers.py::test_names_that_are_numbers_are_names_where_names_are_given",
        "data/test_readers.py::test_numbers_in_another_order_than_they_say_are_not_guessed_at",
        "data/test_readers.py::test_data_that_were_opened_before_are_brought_to_the_model_or_refused",
        "data/test_webdataset.py::test_two_labels_of_one_image_are_refused",
        "data/test_tables.py::test_two_columns_of_one_name_are_refused",
        "engine/test_matching.py::test_four_classes_and_a_model_of_a_thousand_are_refused",
        "engine/test_matching.py::test_labels_in_another_order_than_the_models_names_are_refused",
        "cli/test_data.py::test_threat_53_labels_are_matched_to_the_names_that_the_model_knows",
        "cli/test_data.py::test_threat_53_a_folder_that_the_model_lacks_is_refused",
        "cli/test_data.py::test_threat_53_more_or_fewer_folders_than_the_model_has_classes_are_refused",
    ],
    54: [
        "data/test_tables.py::test_files_outside_the_folder_are_read_only_if_that_is_said",
        "data/test_huggingface.py::test_splits_and_files_stay_inside_the_folder",
        "data/test_huggingface.py::test_pictures_of_rows_stay_inside_the_folder_unless_that_is_said",
        "data/test_huggingface.py::test_a_file_whose_places_lie_outside_of_it_is_refused",
        "data/test_folders.py::test_links_that_lead_back_end_at_once",
        "data/test_cifar.py::test_a_pickle_takes_no_more_memory_than_its_file_is_long",
        "data/test_npz.py::test_an_array_that_claims_other_bytes_than_it_holds_is_refused",
        "data/test_idx.py::test_a_packed_file_that_unpacks_to_very_much_more_is_refused",
        "data/test_webdataset.py::test_a_member_that_claims_more_than_the_shard_is_refused",
        "data/test_webdataset.py::test_a_pattern_of_more_shards_than_there_can_be_ends_at_once",
        "data/test_images.py::test_no_program_is_started_for_a_file",
        "cli/test_data.py::test_threat_54_files_outside_the_folder_are_read_only_if_that_is_typed",
        "fuzz/test_image_files.py::test_a_damaged_file_is_a_picture_or_one_clear_error",
    ],
    55: [
        "adapters/test_torch_weights.py::test_threat_55_code_that_a_checkpoint_names_is_not_run",
        "adapters/test_torch_weights.py::test_threat_55_libraries_are_kept_from_running_what_pickles_name",
        "adapters/test_timm.py::test_threat_55_a_checkpoint_of_timm_runs_no_code",
        "adapters/test_timm.py::test_threat_55_what_timm_reads_itself_runs_no_code",
        "adapters/test_torchvision.py::test_threat_55_a_checkpoint_of_torchvision_runs_no_code",
        "adapters/test_transformers.py::test_threat_55_weights_that_are_code_are_refused_and_not_run",
        "adapters/test_transformers.py::test_threat_55_code_beside_a_model_is_not_run_and_nobody_is_asked",
        "adapters/test_transformers.py::test_threat_55_attention_from_the_hub_is_not_fetched",
    ],
    56: [
        "regions/test_parse.py::test_threat_56_numbers_that_no_machine_can_write_out_are_refused_at_once",
        "regions/test_parse.py::test_threat_56_brackets_have_a_greatest_depth",
        "regions/test_parse.py::test_threat_56_parts_of_a_text_are_found_in_linear_time",
        "regions/test_limits.py::test_threat_56_what_would_take_for_ever_is_refused",
        "regions/test_limits.py::test_threat_56_a_union_of_thousands_of_shapes_is_decided",
        "certificate/test_judges.py::test_threat_56_what_would_take_the_checker_for_ever_is_undecided",
        "certificate/test_judges.py::test_threat_56_long_axes_are_no_loops",
        "fuzz/test_documents.py::test_threat_56_a_region_text_is_read_or_refused",
        "fuzz/test_documents.py::test_threat_56_a_mask_file_is_read_or_refused",
    ],
    57: [
        "certificate/test_judges.py::test_threat_57_odd_documents_have_the_one_right_answer",
        "proofs/test_checker.py::test_odd_documents_have_the_one_right_answer",
        "fuzz/test_documents.py::test_threat_57_judges_agree_on_a_spoilt_certificate",
        "fuzz/test_documents.py::test_threat_57_judges_agree_on_a_spoilt_claim",
    ],
    58: [
        "engine/test_ranges.py::test_threat_58_values_that_the_preprocessing_cannot_give_are_refused",
        "engine/test_ranges.py::test_threat_58_values_that_look_otherwise_scaled_draw_a_warning",
        "engine/test_ranges.py::test_threat_58_certify_refuses_raw_images_of_a_model_that_declares_how_they_are_prepared",
    ],
    59: [
        "runs/test_pixels.py::test_an_edit_of_any_entry_of_a_run_is_noticed_by_every_reader",
        "runs/test_pixels.py::test_a_run_that_is_edited_and_sealed_again_is_found_out_by_its_shards",
        "runs/test_source_frame.py::test_threat_59_an_edit_of_the_frame_is_noticed_by_every_reader",
    ],
    60: [
        "cli/test_reporting.py::test_a_file_of_names_that_the_run_names_is_not_read_until_it_is_typed",
        "cli/test_reporting.py::test_images_that_changed_or_are_gone_are_not_shown",
    ],
    61: [
        "runs/test_opened.py::test_every_answer_is_that_of_a_certification",
        "runs/test_opened.py::test_a_run_whose_predictions_repeat_within_a_margin_is_not_asked_for_a_smaller_one",
    ],
    62: [
        "runs/test_opened.py::test_predictions_of_another_model_are_not_reused",
        "runs/test_opened.py::test_other_pixels_are_asked_for_again",
    ],
    63: [
        "runs/test_answer_runs.py::test_rows_do_not_depend_on_how_a_process_numbers_answers",
        "runs/test_answer_runs.py::test_a_tie_of_votes_is_not_certified_by_an_opened_run",
        "runs/test_answer_runs.py::test_a_replay_compares_answers_and_not_their_places",
        "classifiers/test_answer_texts.py::test_texts_are_equal_exactly_where_numbers_are",
    ],
    64: [
        "data/test_several.py::test_the_classes_of_data_and_model_are_compared",
        "data/test_several.py::test_what_is_wrong_in_xml_is_said",
        "runs/test_label_runs.py::test_rows_that_were_edited_are_refused",
        "runs/test_label_runs.py::test_an_image_that_cannot_be_read_counts_as_answered_wrongly",
    ],
}


def test_every_threat_to_predictions_and_runs_is_named() -> None:
    assert {*range(12, 38), 41, 45, 59} <= TESTS.keys()
    assert list(TESTS) == sorted(TESTS)
    assert all(TESTS.values())


@pytest.mark.parametrize("threat", TESTS)
def test_the_tests_against_a_threat_are_there(threat: int, pytestconfig: pytest.Config) -> None:
    for test in TESTS[threat]:
        path, _, name = test.partition("::")
        source = (pytestconfig.rootpath / "tests" / path).read_text()
        assert re.search(rf"^(def |class |){name}\b", source, re.M), test
