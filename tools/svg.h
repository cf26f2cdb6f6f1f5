// SVG: a self-contained picture of resident and mapped memory over time.
#ifndef NEAP_TOOLS_SVG_H
#define NEAP_TOOLS_SVG_H

#include <stddef.h>
#include <stdio.h>

struct timeline;

#define SVG_SERIES_MAX 16   // colours repeat after six

struct svg_series {
    const char                   *name;
    const struct timeline *const *timelines;     // [0] is drawn bold, the others faint
    size_t                        n_timelines;   // at least 1
};

struct svg_picture {
    const char              *title, *subtitle;
    const struct svg_series *series;
    size_t                   n_series;   // from 1 to SVG_SERIES_MAX
};

// Writes the picture; light and dark as the viewer prefers. Errors stay in the stream.
void svg_write(const struct svg_picture *picture, FILE *out);

#endif
