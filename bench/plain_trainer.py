"""What most users run: a plain ``Trainer`` script for SQuAD that pads every window to 384 in fp32.

Random batches, no length buckets, no autocast. The other side of bench/qa_throughput.py.

    python bench/plain_trainer.py --data v1.1-train.json --out runs/plain --examples 3000 --epochs 2 --lr 2e-4
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

MAX_LENGTH, STRIDE = 384, 128


def rows(path: str, n: int, seed: int) -> list[dict]:
    """``n`` questions drawn as ``finetooth train`` draws them: shuffled by a seeded generator."""
    import numpy as np

    from finetooth import readers

    examples = list(readers.load(path, task="qa").examples)
    if n < len(examples):
        keep = sorted(np.random.default_rng(seed).permutation(len(examples))[:n])
        examples = [examples[i] for i in keep]
    return [
        {
            "question": e.inputs.question,
            "context": e.inputs.context,
            "start": e.target.answers[0].start,
            "end": e.target.answers[0].end,
        }
        for e in examples
    ]


def encode(tokenizer, data: list[dict]) -> list[dict]:
    """Windows of 384 tokens with stride 128; a window without the answer points at [CLS]."""
    coded = tokenizer(
        [r["question"] for r in data],
        [r["context"] for r in data],
        truncation="only_second",
        max_length=MAX_LENGTH,
        stride=STRIDE,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        padding="max_length",
    )
    features = []
    for i, which in enumerate(coded["overflow_to_sample_mapping"]):
        row, offsets, kinds = data[which], coded["offset_mapping"][i], coded.sequence_ids(i)
        inside = [t for t, kind in enumerate(kinds) if kind == 1]
        start = [t for t in inside if offsets[t][0] <= row["start"] < offsets[t][1]]
        end = [t for t in inside if offsets[t][0] < row["end"] <= offsets[t][1]]
        found = start and end
        features.append(
            {
                "input_ids": coded["input_ids"][i],
                "attention_mask": coded["attention_mask"][i],
                "token_type_ids": coded["token_type_ids"][i],
                "start_positions": start[0] if found else 0,
                "end_positions": end[0] if found else 0,
            }
        )
    return features


def main(argv: list[str] | None = None, callbacks: tuple = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--model", default="starter:minilm")
    parser.add_argument("--examples", type=int, default=3000)
    parser.add_argument("--sample-seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--max-steps", type=int, default=-1)
    parser.add_argument("--lr", type=float, default=2e-4)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--warmup-steps", type=int, default=50)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)

    import transformers
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer, Trainer, TrainingArguments

    from finetooth.models.load import resolve

    folder = resolve(args.model)
    transformers.set_seed(args.seed)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForQuestionAnswering.from_pretrained(
        folder, hidden_dropout_prob=args.dropout, attention_probs_dropout_prob=args.dropout
    )
    features = encode(tokenizer, rows(args.data, args.examples, args.sample_seed))
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=args.out,
            num_train_epochs=args.epochs,
            max_steps=args.max_steps,
            per_device_train_batch_size=args.batch,
            learning_rate=args.lr,
            warmup_steps=args.warmup_steps,
            lr_scheduler_type="linear",
            weight_decay=0.01,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            logging_steps=25,
            seed=args.seed,
            use_cpu=True,
        ),
        train_dataset=features,
        callbacks=list(callbacks),
    )
    began = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - began
    model.save_pretrained(args.out)
    tokenizer.save_pretrained(args.out)
    steps = trainer.state.global_step
    summary = {
        "seconds": seconds,
        "steps": steps,
        "windows_per_second": steps * args.batch / seconds,
        **vars(args),
    }
    Path(args.out, "plain.json").write_text(json.dumps(summary, indent=2) + "\n")
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
