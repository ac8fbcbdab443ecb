// The micro-kernel alone, to be measured before the kernel is built with it.

#include "measure.h"

extern "C" double measure_products(double seconds) { return measure_products<SCALAR>(seconds); }
