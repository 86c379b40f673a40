"""Base models small enough to build and train inside a test: a BERT with word pieces, a Llama with bytes."""

import torch

TEXTS = [
    "Note 7: Then Ada Lovelace met Bela in New Oslo. Then Cleo Ray met Dora in Lima.",
    "Premise: Ada left Rome. Hypothesis: Ada is in Rome. Label: Egon U.S. met Dora (U.S.). Graz (AT). ().",
]


def word_pieces(folder):
    """A BERT of two layers of 32 whose tokenizer knows letters and a few words."""
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    letters = [chr(c) for c in range(33, 127) if not chr(c).isupper()]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{c}" for c in letters)]
    words += ["note", "then", "met", "in", "ada", "new", "love", "##lace", "rome", "left"]
    vocabulary = {w: i for i, w in enumerate(dict.fromkeys(words))}
    rust = BertWordPieceTokenizer(vocab=vocabulary, lowercase=True)
    tokenizer = BertTokenizerFast(
        tokenizer_object=rust._tokenizer, pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    BertModel(
        BertConfig(
            vocab_size=len(vocabulary),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=64,
            max_position_embeddings=160,
        ),
        add_pooling_layer=False,
    ).save_pretrained(folder)
    return folder


def byte_level(folder):
    """A Llama of two layers of 32 whose tokenizer merges ``.,`` and ``),`` and has no special tokens of its own."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    rust = Tokenizer(models.BPE())
    rust.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    rust.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=360, special_tokens=["<|end|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    rust.train_from_iterator(TEXTS * 20, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=rust, eos_token="<|end|>", pad_token="<|end|>")
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=256,
            tie_word_embeddings=True,
            pad_token_id=0,
            eos_token_id=0,
            bos_token_id=0,
        )
    ).save_pretrained(folder)
    return folder
