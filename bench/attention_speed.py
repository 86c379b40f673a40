"""Milliseconds of attention, forward and backward, by the fused kernel and by plain products, bf16 on a CPU.

    python bench/attention_speed.py --rounds 7 --threads 1

Each line is a batch of about 2,700 tokens with padding in every second row; the two ways take turns, medians.
"""

from __future__ import annotations

import argparse
import statistics
import time

SHAPES = ((32, 84, 12, 32), (16, 168, 12, 32), (10, 256, 12, 32), (7, 384, 12, 32), (5, 512, 12, 32), (8, 256, 9, 64))  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dropout", type=float, default=0.0)
    args = parser.parse_args()
    import torch

    from finetooth.models import attention
    from finetooth.train import machine

    machine.use_threads(args.threads)
    machine.keep_memory()
    attention.LONGEST = 10_000

    def fused(q, k, v, mask):
        return torch.nn.functional.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, dropout_p=args.dropout
        )

    def products(q, k, v, mask):
        return attention.products(q, k, v, mask, dropout=args.dropout)

    print("batch  tokens  heads  size  fused  products  ratio")
    for batch, n, heads, size in SHAPES:
        mask = torch.ones(batch, 1, n, n, dtype=torch.bool)
        mask[::2, ..., -7:] = False
        took: dict[str, list[float]] = {"fused": [], "products": []}
        for _ in range(args.rounds + 1):
            for way in (fused, products):
                x = torch.randn(batch, n, heads * size, dtype=torch.bfloat16, requires_grad=True)
                part = x.view(batch, n, heads, size).transpose(1, 2)
                began = time.perf_counter()
                out = way(part, part, part, mask)
                out.backward(torch.ones_like(out))
                took[way.__name__].append(1000 * (time.perf_counter() - began))
        a, b = (statistics.median(x[1:]) for x in took.values())
        print(f"{batch:5}  {n:6}  {heads:5}  {size:4}  {a:5.1f}  {b:8.1f}  {a / b:5.2f}")


if __name__ == "__main__":
    main()
