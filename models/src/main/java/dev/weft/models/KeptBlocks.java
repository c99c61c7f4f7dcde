package dev.weft.models;

import dev.weft.nn.Init;
import dev.weft.nn.WeightSource;
import dev.weft.tensor.Device;
import dev.weft.tensor.Tensor;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// Some blocks of a model, numbered anew: block i of it is block `kept[i]` of the whole one. What stands in no block stays.
///
/// @param kept numbers of blocks, each larger than the one before
record KeptBlocks(WeightSource whole, List<Integer> kept) implements WeightSource {
    /// The first number in a weight's name is its block.
    private static final Pattern NUMBER = Pattern.compile("(?<=\\.|^)\\d+(?=\\.)");

    @Override
    public Set<String> names() {
        return whole.names().stream().flatMap(name -> renamed(name).stream()).collect(Collectors.toSet());
    }

    private Optional<String> renamed(String name) {
        Matcher number = NUMBER.matcher(name);
        if (!number.find()) {
            return Optional.of(name);
        }
        int place = kept.indexOf(Integer.parseInt(number.group()));
        return place < 0 ? Optional.empty() : Optional.of(number.replaceFirst(Integer.toString(place)));
    }

    @Override
    public Device device() {
        return whole.device();
    }

    @Override
    public boolean fits(String name, long... shape) {
        return whole.fits(inWhole(name), shape);
    }

    @Override
    public Tensor read(String name, Init init, long... shape) {
        return whole.read(inWhole(name), init, shape);
    }

    private String inWhole(String name) {
        Matcher number = NUMBER.matcher(name);
        return number.find() ? number.replaceFirst(kept.get(Integer.parseInt(number.group())).toString()) : name;
    }
}
