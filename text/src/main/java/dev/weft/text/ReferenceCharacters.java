package dev.weft.text;

import java.lang.Character.UnicodeScript;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/// Kinds of characters as Hugging Face's library knows them. Some of its tables of Unicode are older than the JDK's
/// (8 for punctuation and nonspacing marks, 9 for marks, scripts and normal forms), so that it takes newer characters for letters; these are
/// listed here and taken out. Found by asking the library (0.23) for every character; see the tests.
final class ReferenceCharacters {
    private static final BitSet OTHER_PUNCTUATION = ranges("""
            61D 9FD A76 C77 C84 166D 1B4E-1B4F 1B7D-1B7F 2E43-2E4F 2E52-2E5D 10D6E 10EAD 10F55-10F59 10F86-10F89
            111C9 113D4-113D5 113D7-113D8 1144B-1144F 1145A-1145B 1145D 11660-1166C 116B9 1183B 11944-11946
            119E2 11A3F-11A46 11A9A-11A9C 11A9E-11AA2 11B00-11B09 11BE1 11C41-11C45 11C70-11C71 11EF7-11EF8
            11F43-11F4F 11FFF 12FF1-12FF2 16D6D-16D6F 16E97-16E9A 16FE2 1E5FF 1E95E-1E95F""");
    private static final BitSet OTHER_NONSPACING = ranges("""
            7FD 897-89F 8CA-8E1 9FE AFA-AFF B55 C04 C3C D00 D3B-D3C D81 EBA ECE 1734 180F 1885-1886 1ABF-1ACE
            1DF6-1DFB A82C A8C5 A8FF A9BD 10D24-10D27 10D69-10D6D 10EAB-10EAC 10EFC-10EFF 10F46-10F50
            10F82-10F85 11070 11073-11074 110C2 111C9 111CF 1123E 11241 1133B 113BB-113C0 113CE 113D0 113D2
            113E1-113E2 11438-1143F 11442-11444 11446 1145E 1171E 1182F-11837 11839-1183A 1193B-1193C 1193E
            11943 119D4-119D7 119DA-119DB 119E0 11A01-11A0A 11A33-11A38 11A3B-11A3E 11A47 11A51-11A56
            11A59-11A5B 11A8A-11A96 11A98-11A99 11C30-11C36 11C38-11C3D 11C3F 11C92-11CA7 11CAA-11CB0
            11CB2-11CB3 11CB5-11CB6 11D31-11D36 11D3A 11D3C-11D3D 11D3F-11D45 11D47 11D90-11D91 11D95 11D97
            11EF3-11EF4 11F00-11F01 11F36-11F3A 11F40 11F42 11F5A 13440 13447-13455 1611E-16129 1612D-1612F
            16F4F 16FE4 1CF00-1CF2D 1CF30-1CF46 1E000-1E006 1E008-1E018 1E01B-1E021 1E023-1E024 1E026-1E02A
            1E08F 1E130-1E136 1E2AE 1E2EC-1E2EF 1E4EC-1E4EF 1E5EE-1E5EF 1E944-1E94A""");
    private static final BitSet OTHER_MARKS = ranges("""
            7FD 897-89F 8CA-8D3 9FE AFA-AFF B55 C04 C3C CF3 D00 D3B-D3C D81 EBA ECE 1715 180F 1ABF-1ACE
            1CF2-1CF3 1CF7 1DF6-1DFA A82C A8FF 10D24-10D27 10D69-10D6D 10EAB-10EAC 10EFC-10EFF 10F46-10F50
            10F82-10F85 11070 11073-11074 110C2 11145-11146 111C9 111CE-111CF 11241 1133B 113B8-113C0 113C2
            113C5 113C7-113CA 113CC-113D0 113D2 113E1-113E2 1145E 1182C-1183A 11930-11935 11937-11938
            1193B-1193E 11940 11942-11943 119D1-119D7 119DA-119E0 119E4 11A01-11A0A 11A33-11A39 11A3B-11A3E
            11A47 11A51-11A5B 11A8A-11A99 11D31-11D36 11D3A 11D3C-11D3D 11D3F-11D45 11D47 11D8A-11D8E
            11D90-11D91 11D93-11D97 11EF3-11EF6 11F00-11F01 11F03 11F34-11F3A 11F3E-11F42 11F5A 13440
            13447-13455 1611E-1612F 16F4F 16F7F-16F87 16FE4 16FF0-16FF1 1CF00-1CF2D 1CF30-1CF46 1E08F
            1E130-1E136 1E2AE 1E2EC-1E2EF 1E4EC-1E4EF 1E5EE-1E5EF""");
    private static final BitSet NEW_IN_FORMS = ranges("""
            7FD 897-89F 8CA-8D3 9FE C3C D3B-D3C EBA 1715 1ABF-1ACE 1DF6-1DFA 32FF A7F2-A7F4 A82C AB69 105C9
            105E4 10781-107BA 10D24-10D27 10D69-10D6D 10EAB-10EAC 10EFD-10EFF 10F46-10F50 10F82-10F85 11070
            1133B 11383 11385 1138E 11391 113C5-113C8 113CE-113D0 1145E 11839-1183A 11938 1193D-1193E 11943
            119E0 11A34 11A47 11A99 11D42 11D44-11D45 11D97 11F41-11F42 16121-16128 1612F 16D68-16D6A
            16FF0-16FF1 1CCD6-1CCF9 1E030-1E08F 1E130-1E136 1E2AE 1E2EC-1E2EF 1E4EC-1E4EF 1E5EE-1E5EF 1F16C
            1FBF0-1FBF9""");
    private static final BitSet NEW_IN_SCRIPTS = ranges("""
            560 588 5EF 61D 7FD-7FF 860-89F 8B5 8BE-8D3 9FC-9FE A76 AFA-AFF B55 C04 C3C C5D C77 C84 CDD CF3-D00
            D04 D3B-D3C D81 E86 E89 E8C E8E-E93 E98 EA0 EA8-EA9 EAC EBA ECE 170D 1715-171F 180F 1878 1ABF-1ACE
            1B4C-1B4F 1B7D-1B7F 1C89-1CBF 1CF7 1CFA 1DF6-1DFA 20BF-20C0 23FF 2427-2429 2B97 2BBA-2BBC 2BC9
            2BD2-2BEB 2BF0-2BFF 2C2F 2C5F 2E45-2E5D 2FFC-2FFF 312E-312F 31BB-31BF 31E4-31EF 32FF 4DB6-4DBF
            9FD6-9FFF A7AF A7B8-A7F6 A82C A8FE-A8FF AB66-AB6B FBC2 FD40-FD4F FDCF FDFE-FDFF 1019C 1032D-1032F
            10570-105F3 10780-107BA 10A34-10A35 10A48 10D00-10D8F 10E80-10FF6 11070-11075 110C2-110CD
            11144-11147 111CE-111CF 1123F-11241 1133B 11380-113E2 1145A 1145E-11461 116B8-116B9 116D0-116E3
            1171A 11740-1183B 11900-11ABF 11B00-11BF9 11D00-11FFF 12F90-12FF2 1342F-143FA 16100-16139
            16A70-16AC9 16D40-16E9A 16F45-16F4F 16F7F-16F87 16FE1-16FF1 187ED-187F7 18AF3-1AFFE 1B002-1B2FB
            1CC00-1CFC3 1D1E9-1D1EA 1D2C0-1D2F3 1D372-1D378 1DF00-1DF2A 1E030-1E7FE 1E94B 1EC71-1ED3D
            1F10D-1F10F 1F12F 1F16C-1F16F 1F1AD 1F260-1F265 1F6D3-1F6DF 1F6F7-1F6FC 1F774-1F77F 1F7D5-1F7F0
            1F8B0-1F90F 1F91F 1F928-1F92F 1F931-1F932 1F93F 1F94C-1F94F 1F95F-1F97F 1F992-1F9BF 1F9C1-1FBF9
            2A6D7-2A6DF 2B735-2B739 2CEB0-2EE5D 30000-323AF""");
    private static final BitSet OTHER_FORMATS = ranges("890-891 8E2 110CD 13430-1343F");

    private ReferenceCharacters() {}

    private static BitSet ranges(String hex) {
        var set = new BitSet();
        for (String range : hex.split("\\s+")) {
            int dash = range.indexOf('-');
            int from = Integer.parseInt(dash < 0 ? range : range.substring(0, dash), 16);
            set.set(from, dash < 0 ? from + 1 : Integer.parseInt(range.substring(dash + 1), 16) + 1);
        }
        return set;
    }

    /// All visible ASCII that is neither letter nor digit, and the punctuation (P) of other scripts.
    static boolean isPunctuation(int codePoint) {
        if (codePoint < 0x80) {
            return codePoint > ' ' && codePoint < 0x7F && !Character.isLetterOrDigit(codePoint);
        }
        return switch (Character.getType(codePoint)) {
            case Character.CONNECTOR_PUNCTUATION, Character.DASH_PUNCTUATION, Character.START_PUNCTUATION,
                    Character.END_PUNCTUATION, Character.INITIAL_QUOTE_PUNCTUATION, Character.FINAL_QUOTE_PUNCTUATION,
                    Character.OTHER_PUNCTUATION ->
                !OTHER_PUNCTUATION.get(codePoint) || codePoint == 0x166D || codePoint == 0x111C9;
            default -> codePoint == 0x166D || codePoint == 0x111C9;
        };
    }

    /// What BERT's way of stripping accents takes out (Mn).
    static boolean isNonspacingMark(int codePoint) {
        return codePoint >= 0x300 && (Character.getType(codePoint) == Character.NON_SPACING_MARK
                && !OTHER_NONSPACING.get(codePoint) || codePoint == 0x1734 || codePoint == 0x1171E);
    }

    /// Any mark (M).
    static boolean isMark(int codePoint) {
        return codePoint >= 0x300 && switch (Character.getType(codePoint)) {
            case Character.NON_SPACING_MARK, Character.COMBINING_SPACING_MARK, Character.ENCLOSING_MARK ->
                !OTHER_MARKS.get(codePoint) || codePoint == 0x1CF2 || codePoint == 0x1CF3;
            default -> codePoint == 0x1CF2 || codePoint == 0x1CF3;
        };
    }

    /// White_Space, all of one UTF-16 unit.
    static boolean isSpace(int codePoint) {
        return codePoint < 0x10000 && Gpt2Words.isSpace((char) codePoint);
    }

    /// What BERT's cleaning takes out: controls but tab and line ends, formats, private use, U+FFFD.
    static boolean isControl(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.CONTROL -> codePoint != '\t' && codePoint != '\n' && codePoint != '\r';
            case Character.FORMAT -> !OTHER_FORMATS.get(codePoint);
            case Character.PRIVATE_USE -> true;
            default -> codePoint == 0xFFFD;
        };
    }

    /// The blocks of ideographs that BERT sets apart.
    static boolean isIdeograph(int c) {
        return c >= 0x3400 && (c <= 0x4DBF || c >= 0x4E00 && c <= 0x9FFF || c >= 0xF900 && c <= 0xFAFF
                || c >= 0x20000 && c <= 0x2A6DF || c >= 0x2A700 && c <= 0x2B81F || c >= 0x2B920 && c <= 0x2CEAF
                || c >= 0x2F800 && c <= 0x2FA1F);
    }

    /// Whether a character is older than the tables of NFC and its kin, which leave newer ones as they are.
    static boolean hasForms(int codePoint) {
        return !NEW_IN_FORMS.get(codePoint);
    }

    /// The script of a character, null for what belongs to none.
    static @Nullable UnicodeScript script(int codePoint) {
        UnicodeScript script = UnicodeScript.of(codePoint);
        return script == UnicodeScript.UNKNOWN || NEW_IN_SCRIPTS.get(codePoint) ? null : script;
    }

    /// A number of any kind (N).
    static boolean isNumeric(int codePoint) {
        return Gpt2Words.kind(codePoint) == Gpt2Words.NUMBER;
    }

    /// A regular expression's `\w` (Unicode TR 18): letters, marks, decimal digits, connectors, joiners.
    static boolean isWord(int codePoint) {
        return Character.isAlphabetic(codePoint) || switch (Character.getType(codePoint)) {
            case Character.NON_SPACING_MARK, Character.COMBINING_SPACING_MARK, Character.ENCLOSING_MARK,
                    Character.DECIMAL_DIGIT_NUMBER, Character.CONNECTOR_PUNCTUATION ->
                true;
            default -> codePoint == 0x200C || codePoint == 0x200D;
        };
    }

    /// Lower case of one character, whatever stands around it; only `İ` becomes two.
    static String lower(int codePoint) {
        return codePoint == 0x130 ? "i\u0307" : Character.toString(Character.toLowerCase(codePoint));
    }
}
