package dev.weft.run;

import dev.weft.nn.LanguageModel;

/// How far each prompt of a batch may be carried on, by what was asked for and by what the model can.
///
/// @param asked   new ids asked for at the most
/// @param context new ids after which the model is full, for each prompt
record TokenBudget(int asked, int[] context) {
    /// @throws IllegalArgumentException if an id is not the model's, or there is no room for a single new id
    static TokenBudget of(LanguageModel model, Prompts prompts, Generation options) {
        int vocab = model.vocabSize();
        options.ids().forEach((setting, ids) -> ids.forEach(id -> requireKnown(id, vocab, setting + ":")));
        int positions = model.maxPositions();
        int[] context = new int[prompts.rows()];
        for (int row = 0; row < prompts.rows(); row++) {
            for (int id : prompts.ids()[row]) {
                requireKnown(id, vocab, "Prompt " + row + ": id");
            }
            context[row] = positions - prompts.realLength(row);
            if (context[row] <= 0) {
                throw new IllegalArgumentException(
                        "Prompt %d has %d tokens and this model has room for %d, new ones included; shorten the prompt"
                                .formatted(row, prompts.realLength(row), positions));
            }
        }
        int asked = options.limits().longest().newTokens(prompts.length());
        if (asked <= 0) {
            throw new IllegalArgumentException(
                    "The prompt has %d tokens and max_length is %d, prompt included; raise it or use max_new_tokens"
                            .formatted(prompts.length(), asked + prompts.length()));
        }
        return new TokenBudget(asked, context);
    }

    private static void requireKnown(int id, int vocab, String what) {
        if (id < 0 || id >= vocab) {
            throw new IllegalArgumentException(
                    "%s %d is outside the vocabulary of %d; was it made by another tokenizer?".formatted(what, id,
                            vocab));
        }
    }

    /// New ids at the most for one prompt.
    int of(int prompt) {
        return Math.min(asked, context[prompt]);
    }

    /// Why a text of this prompt ends that has used up its room.
    Finish finish(int prompt) {
        return asked <= context[prompt] ? Finish.LENGTH : Finish.CONTEXT_FULL;
    }
}
