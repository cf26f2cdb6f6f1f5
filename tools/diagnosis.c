// The list of findings.
#include "diagnosis.h"

#include <stdarg.h>

void diagnosis_add(struct diagnosis *diagnosis, enum finding_level level, const char *topic,
                   const char *format, ...)
{
    if (diagnosis->n_findings == FINDINGS_MAX)
        return;
    struct finding *finding = &diagnosis->findings[diagnosis->n_findings++];
    va_list         arguments;
    va_start(arguments, format);
    (void)vsnprintf(finding->text, sizeof finding->text, format, arguments);
    va_end(arguments);
    finding->level = level;
    finding->topic = topic;
    finding->fix[0] = '\0';
}

void diagnosis_fix(struct diagnosis *diagnosis, const char *format, ...)
{
    if (diagnosis->n_findings == 0)
        return;
    struct finding *finding = &diagnosis->findings[diagnosis->n_findings - 1];
    va_list         arguments;
    va_start(arguments, format);
    (void)vsnprintf(finding->fix, sizeof finding->fix, format, arguments);
    va_end(arguments);
}

bool diagnosis_has_failed(const struct diagnosis *diagnosis)
{
    for (size_t i = 0; i < diagnosis->n_findings; i++) {
        if (diagnosis->findings[i].level == FINDING_FAIL)
            return true;
    }
    return false;
}
