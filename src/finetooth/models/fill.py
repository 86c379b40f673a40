"""A masked language model that proposes words for places in a text: BERT and its kin, many windows a batch.

filler = Filler("models/bert-small"); filler.propose(["Ada left Rome."], [[(4, 8)]]) -> [[[("saw", 0.2), ...]]]
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetooth.errors import UsageError
from finetooth.models.load import load_config, load_tokenizer, positions, quiet, resolve

BATCH = 16  # windows
LONGEST = 512  # tokens of a window
Proposals = list[tuple[str, float]]


class Filler:
    """Loads a local folder or base model with a MaskedLM head. Raises UsageError where it has none."""

    def __init__(self, name: str | Path, *, device: str | None = None, top: int = 20) -> None:
        import torch
        from transformers import AutoModelForMaskedLM

        folder = name if isinstance(name, Path) else resolve(name)
        self.tokenizer = load_tokenizer(folder)
        config = load_config(folder, None)
        cure = "name a folder or model that was saved with its masked language head, such as BERT or RoBERTa"
        if self.tokenizer.mask_token_id is None:
            raise UsageError("its tokenizer has no mask token", where=str(name), cure=cure)
        with quiet(), torch.random.fork_rng(devices=[]):
            try:
                model, loaded = AutoModelForMaskedLM.from_pretrained(
                    folder,
                    config=config,
                    use_safetensors=True,
                    trust_remote_code=False,
                    local_files_only=True,
                    dtype=torch.float32,
                    output_loading_info=True,
                )
            except (OSError, ValueError, RuntimeError) as e:
                why = " ".join(str(e).split())[:160]
                raise UsageError(f"no masked language model: {why}", where=str(name), cure=cure) from None
        lost = sorted(str(key) for key in loaded["missing_keys"] if ".pooler" not in str(key))
        if lost:
            # A head drawn at random would fill in noise, and nobody would see it.
            raise UsageError(
                f"no masked language head: {len(lost)} of its weights are missing, {lost[0]} for one",
                where=str(name),
                cure=cure,
            )
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.model = model.to(self.device).eval()
        self.length = min(positions(config) or LONGEST, LONGEST)
        self.top = top
        self.words = self._whole_words()

    def _whole_words(self) -> dict[int, str]:
        """Token number -> the word, of the tokens that are a whole word of letters by themselves."""
        special = set(self.tokenizer.all_special_ids)
        vocabulary = self.tokenizer.get_vocab()
        # Of "##s" and "s" in WordPiece the second begins a word; of "Ġs" and "s" in byte BPE, and "▁s", the first.
        marks = [m for m in ("Ġ", "▁") if any(t.startswith(m) and len(t) > 1 for t in vocabulary)]
        made = {}
        for token, number in vocabulary.items():
            word = token
            if marks:
                if not token.startswith(tuple(marks)):
                    continue
                word = token[1:]
            if number not in special and word.isalpha() and word.isascii():
                made[number] = word
        return made

    def propose(
        self, texts: Sequence[str], places: Sequence[Sequence[tuple[int, int]]]
    ) -> list[list[Proposals] | str]:
        """For each place of each text (characters, in order, apart) up to ``top`` words with their probability.

        All places of a text are masked at once. A text that the model cannot take is told as a reason.
        """
        made: list[list[Proposals] | str] = []
        windows: list[tuple[int, Sequence[int]]] = []
        wanted = []
        for text, spans in zip(texts, places, strict=True):
            pieces, at = [], 0
            for start, end in spans:
                pieces += [text[at:start], self.tokenizer.mask_token]
                at = end
            pieces.append(text[at:])
            masked = "".join(pieces)
            taken = self.tokenizer(
                masked,
                truncation=True,
                max_length=self.length,
                stride=0,
                return_overflowing_tokens=True,
                return_attention_mask=False,
                return_token_type_ids=False,
            )["input_ids"]
            wanted.append(len(spans))
            if sum(row.count(self.tokenizer.mask_token_id) for row in taken) != len(spans):
                made.append("the text holds the model's own mask token")
                continue
            windows += [(len(made), row) for row in taken if self.tokenizer.mask_token_id in row]
            made.append([])
        # Long windows together, so that little is padded; the answers go back by place.
        found = dict(self._answers(windows))
        for i, (number, _) in enumerate(windows):
            answer = made[number]
            assert isinstance(answer, list)
            answer += found[i]
        return made

    def _answers(self, windows: Sequence[tuple[int, Sequence[int]]]) -> Any:
        import torch

        mask = self.tokenizer.mask_token_id
        allowed = torch.tensor(sorted(self.words), device=self.device)
        order = sorted(range(len(windows)), key=lambda i: len(windows[i][1]))
        for at in range(0, len(order), BATCH):
            group = order[at : at + BATCH]
            width = max(len(windows[i][1]) for i in group)
            ids = torch.full((len(group), width), self.tokenizer.pad_token_id, dtype=torch.long)
            seen = torch.zeros((len(group), width), dtype=torch.long)
            for row, i in enumerate(group):
                ids[row, : len(windows[i][1])] = torch.tensor(windows[i][1])
                seen[row, : len(windows[i][1])] = 1
            ids, seen = ids.to(self.device), seen.to(self.device)
            with torch.inference_mode():
                logits = self.model(input_ids=ids, attention_mask=seen).logits
            for row, i in enumerate(group):
                here = (ids[row] == mask).nonzero().flatten()
                chances = logits[row, here][:, allowed].float().softmax(-1)
                best = chances.topk(min(self.top, len(self.words)), dim=-1)
                yield (
                    i,
                    [
                        [(self.words[int(allowed[k])], float(p)) for p, k in zip(ps, ks, strict=True)]
                        for ps, ks in zip(best.values.cpu(), best.indices.cpu(), strict=True)
                    ],
                )
