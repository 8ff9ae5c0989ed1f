"""The options that several commands share, each with its one help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[
    str,
    typer.Option(
        help="timm:NAME, hf:FOLDER, onnx:FILE, what else `maskcover models` lists; or package.module:name of a model, "
        "of a function that makes one, or of a function from arrays to scores."
    ),
]
Weights = Annotated[
    str | None, typer.Option(help='For models by name: "pretrained", "random", or the path of a checkpoint.')
]
Options = Annotated[
    list[str] | None,
    typer.Option("--option", "-O", help="NAME=VALUE for the model's adapter, such as prompts=prompts.txt; repeatable."),
]
Device = Annotated[
    str | None,
    typer.Option(
        help='Where the model computes: "cpu", "cuda", "cuda:1"; by default a model by name is on the GPU if there is '
        "one (of torchrun's ranks each has its own), and a model of your own where you put it."
    ),
]
Data = Annotated[
    str,
    typer.Option(
        help="Pictures: a folder (for labels with a subfolder for each class), a .csv or .npz file, a folder of CIFAR, "
        "MNIST, of Hugging Face's save_to_disk, tar shards; or FORMAT:PATH, with folder, csv, npz, cifar10, cifar100, "
        "idx, hf or wds."
    ),
]
Labels = Annotated[Path | None, typer.Option(help="A CSV file with the columns path and label.")]
Split = Annotated[str | None, typer.Option(help="Which part: train, val, test; what --data has.")]
Classes = Annotated[
    str | None,
    typer.Option(help="The model's classes: how many, or a file with their names; by default what the model knows."),
]
Outside = Annotated[
    bool, typer.Option("--outside", help="Read files outside the data's folder, where a table or data set names them.")
]
Sample = Annotated[int | None, typer.Option(min=1, help="Only so many images, chosen by --seed.")]
Seed = Annotated[int, typer.Option(min=0, help="Of --sample.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the first so many images.")]
Masks = Annotated[Path | None, typer.Option(help="A mask-set file; by default masks are made for --regions.")]
Regions = Annotated[str | None, typer.Option(help="What the attacker may overwrite; by default what the masks claim.")]
Frame = Annotated[
    str,
    typer.Option(help='Where --regions are drawn: on the model\'s "input", or on the "source" before preprocessing.'),
]
InputSize = Annotated[
    str | None, typer.Option(help="The model's input: 224 or 480x640; by default its own, or the masks' size.")
]
Mean = Annotated[str | None, typer.Option(help="Subtracted from values in [0, 1]: one number, or one a channel.")]
Std = Annotated[str | None, typer.Option(help="Divided by after that: one number, or one a channel.")]
Channels = Annotated[int | None, typer.Option(help="3, or 1 for a model of grey pictures.")]
Override = Annotated[
    bool, typer.Option("--override-preprocessing", help="Take --mean, --std, --input-size against the model's own.")
]
Fill = Annotated[float | None, typer.Option(help="What hidden pixels become, after normalisation; 0 by default.")]
BatchSize = Annotated[
    int | None, typer.Option(min=1, help="Images a forward pass; by default the fastest that holds to the bit.")
]
MinMargin = Annotated[
    float | None,
    typer.Option(
        "--min-margin", "--margin",
        help="Least margin of a prediction that counts, as a fraction of the largest score; --margin is its earlier "
        "name. By default predictions must repeat to the bit.",
    ),
]  # fmt: skip
Numerics = Annotated[
    str | None,
    typer.Option(
        help='"bitwise" insists that predictions repeat to the bit; by default a margin takes over, with a warning, '
        'where this machine rounds by the place in a batch. "margin": always a margin.'
    ),
]
Method = Annotated[str, typer.Option(help='"double" masking, "challenger" masking, or "detect" at a --threshold.')]
Threshold = Annotated[float | None, typer.Option(help="Confidence from which a mask that disagrees raises an alert.")]
Dtype = Annotated[str | None, typer.Option(help="float32, bfloat16 or float16; by default that of the model.")]
MemoryFormat = Annotated[str | None, typer.Option(help="contiguous or channels_last; by default the faster one.")]
Tf32 = Annotated[bool, typer.Option("--tf32", help="A GPU may compute float32 with 10 bits.")]
Compiled = Annotated[bool, typer.Option("--compile", help="Let the framework compile the model.")]
