"""From pictures to the class-filtered atlas of a pair: activations, attribution, filters, layout, cells, drawings."""
