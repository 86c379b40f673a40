"""A training step of starter:minilm in transformers' classes and in ours, with the same weights and batches.

Steps of the two alternate, so that whatever else the machine does slows both; figures are medians of the process's
own CPU seconds (wall seconds beside them), and the ratio is that of the two steps of each pair.

    OMP_NUM_THREADS=1 python bench/transplant_speed.py --steps 15
    OMP_NUM_THREADS=1 python bench/transplant_speed.py --steps 15 --shape 12,320   # windows, tokens
"""

from __future__ import annotations

import argparse
import json
import platform
import time


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="starter:minilm")
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--shape", default="20,200")
    parser.add_argument(
        "--padded", action="store_true", help="a tenth of each window is padding, with a mask"
    )
    parser.add_argument("--precision", choices=("bf16", "fp32"), default="bf16")
    args = parser.parse_args(argv)

    import numpy as np
    import torch
    from transformers import AutoModelForQuestionAnswering

    from finetooth.config import ModelConfig
    from finetooth.models.load import load_weights, resolve
    from finetooth.models.scratch.source import folder_of
    from finetooth.train.machine import keep_memory

    keep_memory()
    options = ModelConfig(name=f"scratch:{args.model}")
    models = {
        "library": load_weights(AutoModelForQuestionAnswering, resolve(args.model), options),
        "ours": load_weights(AutoModelForQuestionAnswering, folder_of(options, list), options),
    }
    windows, tokens = map(int, args.shape.split(","))
    random = torch.Generator().manual_seed(0)
    batch = {
        "input_ids": torch.randint(1000, 20000, (windows, tokens), generator=random),
        "token_type_ids": (torch.arange(tokens) > 20).long().expand(windows, tokens),
        "start_positions": torch.randint(20, tokens - 2, (windows,), generator=random),
    }
    batch["end_positions"] = batch["start_positions"] + 1
    if args.padded:
        batch["attention_mask"] = (torch.arange(tokens) < 0.9 * tokens).long().repeat(windows, 1)
    optimizers = {k: torch.optim.AdamW(m.parameters(), lr=1e-5, fused=True) for k, m in models.items()}

    def step(name: str) -> tuple[float, float, float]:
        wall, own = time.perf_counter(), time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=args.precision == "bf16"):
            loss = models[name](**batch).loss
        loss.backward()
        optimizers[name].step()
        optimizers[name].zero_grad()
        return time.process_time() - own, time.perf_counter() - wall, loss.item()

    for model in models.values():
        model.train()
    seen: dict[str, list[tuple[float, float, float]]] = {name: [] for name in models}
    for turn in range(args.steps + 2):
        for name in models if turn % 2 else reversed(list(models)):
            seen[name].append(step(name))
    kept = {name: np.array(rows[2:]) for name, rows in seen.items()}
    ratios = kept["library"][:, 0] / kept["ours"][:, 0]
    rng = np.random.default_rng(0)
    drawn = np.median(rng.choice(ratios, (2000, len(ratios))), axis=1)
    print(
        json.dumps(
            {
                **vars(args),
                "threads": torch.get_num_threads(),
                "machine": platform.processor() or platform.machine(),
                **{
                    f"{name}_{what}": round(float(np.median(rows[:, i])), 4)
                    for name, rows in kept.items()
                    for i, what in enumerate(("cpu_seconds", "wall_seconds"))
                },
                "ours_tokens_per_cpu_second": round(windows * tokens / float(np.median(kept["ours"][:, 0]))),
                "speed_of_ours_by_library": round(float(np.median(ratios)), 3),
                "low": round(float(np.quantile(drawn, 0.025)), 3),
                "high": round(float(np.quantile(drawn, 0.975)), 3),
                "first_losses": [round(rows[0][2], 4) for rows in seen.values()],
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
