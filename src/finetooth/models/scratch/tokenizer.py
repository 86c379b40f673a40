"""A tokenizer trained on the corpus: word pieces, byte pairs, unigrams, or whole words to show what those cost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from finetooth.errors import DataError

KINDS = ("wordpiece", "bpe", "unigram", "word")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def train(texts: Iterable[str], *, kind: str = "wordpiece", size: int = 8000, lowercase: bool = True) -> Any:
    """A fast tokenizer of at most ``size`` tokens, special ones first, that frames pairs as BERT's does.

    wordpiece   words cut into pieces, "##" before those that go on (BERT)
    bpe         pairs of bytes merged, nothing is unknown (GPT-2)
    unigram     the likeliest pieces under a model of pieces (Kudo 2018)
    word        whole words: whatever did not occur in ``texts`` is [UNK]

    Raises DataError for texts without a word.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    given: dict[str, Any] = {"vocab_size": size, "special_tokens": list(SPECIAL), "show_progress": False}
    trainer: Any
    if kind == "bpe":
        rust = Tokenizer(models.BPE())
        rust.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        rust.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), **given)
    elif kind == "unigram":
        rust = Tokenizer(models.Unigram())
        rust.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation(), pre_tokenizers.Digits()]
        )
        rust.decoder = decoders.Metaspace()
        trainer = trainers.UnigramTrainer(unk_token=SPECIAL[1], **given)
    elif kind == "word":
        rust = Tokenizer(models.WordLevel(unk_token=SPECIAL[1]))
        rust.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordLevelTrainer(**given)
    elif kind == "wordpiece":
        rust = Tokenizer(models.WordPiece(unk_token=SPECIAL[1]))
        rust.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        rust.decoder = decoders.WordPiece()
        trainer = trainers.WordPieceTrainer(limit_alphabet=1000, **given)
    else:
        raise ValueError(f"expected one of {', '.join(KINDS)}, found {kind!r}")
    rust.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    rust.train_from_iterator(texts, trainer)
    if rust.get_vocab_size() <= len(SPECIAL):
        raise DataError("no words to train a tokenizer on")
    cls, sep = SPECIAL[2], SPECIAL[3]
    rust.post_processor = processors.TemplateProcessing(
        single=f"{cls} $A {sep}",
        pair=f"{cls} $A {sep} $B:1 {sep}:1",
        special_tokens=[(t, rust.token_to_id(t)) for t in (cls, sep)],
    )
    names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    return PreTrainedTokenizerFast(
        tokenizer_object=rust,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **dict(zip(names, SPECIAL, strict=True)),
    )
