package dev.weft.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class StandInTest {
    @Test
    void what_is_computed_of_numbers_there_is_there() {
        try (var scope = TensorScope.open()) {
            Tensor there = Tensor.of(new float[]{3, 1, 2}, 3).to(Device.STAND_IN);

            assertThat(there.mul(2).add(there).sort(0, true).values().device()).isEqualTo(Device.STAND_IN);
            assertThat(Tensor.cat(List.of(there, there), 0).chunk(2, 0).getFirst().device())
                    .isEqualTo(Device.STAND_IN);
            assertThat(there.toFloats()).containsExactly(3, 1, 2);
        }
    }

    @Test
    void tensors_of_two_devices_are_refused_but_for_single_numbers() {
        try (var scope = TensorScope.open()) {
            Tensor here = Tensor.of(new float[]{1, 2}, 2);
            Tensor there = here.to(Device.STAND_IN);

            assertThatThrownBy(() -> there.add(here)).isInstanceOf(TensorException.class)
                    .hasMessageContaining("one device");
            assertThatThrownBy(() -> here.addInPlace(there)).isInstanceOf(TensorException.class);
            assertThat(there.add(Tensor.scalar(1)).toFloats()).containsExactly(2, 3);
        }
    }

    @Test
    void copies_are_counted() {
        try (var scope = TensorScope.open()) {
            StandIn.Copies before = StandIn.copies();
            Tensor there = Tensor.of(new float[]{1, 2}, 2).to(Device.STAND_IN);
            there.sum().item();
            there.to(Device.CPU).to(Device.CPU);

            assertThat(StandIn.copies().since(before)).isEqualTo(new StandIn.Copies(1, 2));
        }
    }

    @Test
    void gradients_are_where_their_weights_are() {
        try (var scope = TensorScope.open()) {
            Tensor weight = Tensor.of(new float[]{1, 2}, 2).to(Device.STAND_IN).requiresGrad(true);
            weight.mul(weight).sum().backward();

            assertThat(weight.grad().device()).isEqualTo(Device.STAND_IN);
        }
    }

    @Test
    void a_full_gpu_says_so_with_the_numbers() {
        var refused = TensorException.refused("matmul", new Tensor[0], new RuntimeException(
                "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 1 has a total capacity of 23.69 GiB of which 512.00 MiB is free. Process 7 has 22.9 GiB memory in use. If reserved but unallocated memory is large try setting PYTORCH_ALLOC_CONF"));

        assertThat(refused).hasMessage("matmul(): GPU 1 is full: 2.00 GiB were asked for, and of its 23.69 GiB only "
                + "512.00 MiB are free; take smaller batches or shorter texts, --precision bfloat16, or --device cpu");
    }
}
