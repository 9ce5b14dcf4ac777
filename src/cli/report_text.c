/* report_text.c: texts from data, and counts, in HTML. */
#include "report.h"

void put_text(FILE *f, const char *text)
{
    json_t *valid = cli_string(text); /* UTF-8, whatever it was */
    for (const char *s = valid ? json_string_value(valid) : ""; *s; s++)
        switch (*s) {
        case '&':
            fputs("&amp;", f);
            break;
        case '<':
            fputs("&lt;", f);
            break;
        case '>':
            fputs("&gt;", f);
            break;
        case '"':
            fputs("&quot;", f);
            break;
        case '\'':
            fputs("&#39;", f);
            break;
        default:
            fputc((unsigned char)*s < ' ' && *s != '\n' ? ' ' : *s, f);
        }
    json_decref(valid);
}

void put_bold(FILE *f, const char *text)
{
    fprintf(f, "<b>");
    put_text(f, text);
    fprintf(f, "</b>");
}

void put_count(FILE *f, size_t n)
{
    if (n >= 1000) {
        put_count(f, n / 1000);
        fprintf(f, ",%03zu", n % 1000);
    } else {
        fprintf(f, "%zu", n);
    }
}

void put_item(FILE *f, const char *name, const char *text)
{
    fprintf(f, "<dt>%s</dt><dd>", name);
    put_text(f, text);
    fprintf(f, "</dd>\n");
}
