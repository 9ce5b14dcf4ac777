/* cells.c: words and dates as people write them. */
#include "task/cells.h"

#include <string.h>

#include "base/text.h"

/* ---- words ---- */

static const char *skip_spaces(const char *s)
{
    while (*s == ' ' || *s == '\t')
        s++;
    return s;
}

/* The word, which is in small letters, and then nothing but spaces. */
static bool is_word(const char *s, const char *word)
{
    for (; *word; s++, word++)
        if ((*s >= 'A' && *s <= 'Z' ? *s + 32 : *s) != *word)
            return false;
    return cell_is_empty(s);
}

/* Its place among the words, or -1. */
static int find_word(const char *s, const char *const *word, int n)
{
    s = skip_spaces(s);
    for (int i = 0; i < n; i++)
        if (is_word(s, word[i]))
            return i;
    return -1;
}

bool cell_is_empty(const char *s)
{
    return *skip_spaces(s) == 0;
}

bool cell_is_missing(const char *s)
{
    static const char *const word[] = {"na", "n/a", "nan", "null", "none", "?", "-"};
    return cell_is_empty(s) || find_word(s, word, sizeof word / sizeof *word) >= 0;
}

int cell_truth(const char *s)
{
    static const char *const word[] = {"false", "true", "no", "yes", "f", "t", "n", "y"};
    return find_word(s, word, sizeof word / sizeof *word);
}

bool cell_is_infinite(const char *s)
{
    static const char *const word[] = {"inf", "infinity", "nan"};
    s = skip_spaces(s);
    const char *unsigned_part = s + (*s == '+' || *s == '-');
    if (find_word(unsigned_part, word, sizeof word / sizeof *word) >= 0)
        return true;
    const size_t at = strcspn(s, "eE"); /* 1e999: a number, an e, an integer */
    double v;
    if (!s[at] || !text_number(s, at, &v) || text_number(s, strlen(s), &v))
        return false;
    const char *exponent = s + at + 1 + (s[at + 1] == '+' || s[at + 1] == '-');
    const size_t digits = strspn(exponent, "0123456789");
    return digits > 0 && cell_is_empty(exponent + digits);
}

/* ---- dates ---- */

const char *const date_part_names[DATE_PARTS] = {"days", "month", "weekday", "hour"};

/* Between least and most digits; goes on after them. */
static bool take_digits(const char **s, int least, int most, int *out)
{
    int n = 0;
    for (*out = 0; n < most && **s >= '0' && **s <= '9'; n++, ++*s)
        *out = 10 * *out + (**s - '0');
    return n >= least;
}

static bool take_char(const char **s, char c)
{
    if (**s != c)
        return false;
    ++*s;
    return true;
}

struct day {
    int year, month, day;
};

static bool is_day(const struct day *d)
{
    static const int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (d->year % 4 == 0 && d->year % 100 != 0) || d->year % 400 == 0;
    return d->year >= 1 && d->month >= 1 && d->month <= 12 && d->day >= 1 &&
           d->day <= length[d->month - 1] + (leap && d->month == 2);
}

/* Since 2000-01-01, of the Gregorian calendar: years that begin in March have the leap day last. */
static int days_of(const struct day *d)
{
    const int y = d->year - (d->month <= 2), m = (d->month + 9) % 12;
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + d->day - 730426;
}

static bool take_day(const char **s, bool day_first, struct day *d, bool *slashes)
{
    const char *start = *s;
    *slashes = false;
    if (take_digits(s, 4, 4, &d->year) && take_char(s, '-'))
        return take_digits(s, 2, 2, &d->month) && take_char(s, '-') &&
               take_digits(s, 2, 2, &d->day) && is_day(d);
    *s = start;
    int first, second;
    if (!take_digits(s, 1, 2, &first) || (**s != '.' && **s != '/'))
        return false;
    const char separator = *(*s)++;
    *slashes = separator == '/';
    if (!take_digits(s, 1, 2, &second) || !take_char(s, separator) ||
        !take_digits(s, 4, 4, &d->year))
        return false;
    const bool swap = separator == '/' && !day_first;
    d->day = swap ? second : first;
    d->month = swap ? first : second;
    return is_day(d);
}

/* Hours of 13:30, 13:30:15, 13:30:15.25, with or without Z. */
static bool take_time(const char **s, double *out)
{
    int hour, minute, second = 0;
    if (!take_digits(s, 2, 2, &hour) || !take_char(s, ':') || !take_digits(s, 2, 2, &minute))
        return false;
    if (take_char(s, ':')) {
        if (!take_digits(s, 2, 2, &second))
            return false;
        if (take_char(s, '.'))
            *s += strspn(*s, "0123456789");
    }
    take_char(s, 'Z');
    *out = hour + minute / 60.0 + second / 3600.0;
    return hour < 24 && minute < 60 && second < 61;
}

bool cell_date(const char *s, bool day_first, float part[DATE_PARTS], bool *slashes)
{
    struct day d = {0, 0, 0};
    double hour = 0;
    s = skip_spaces(s);
    if (!take_day(&s, day_first, &d, slashes))
        return false;
    if ((*s == 'T' || *s == ' ') && s[1] >= '0' && s[1] <= '9') {
        s++;
        if (!take_time(&s, &hour))
            return false;
    }
    const int days = days_of(&d);
    part[DATE_DAYS] = (float)days;
    part[DATE_MONTH] = (float)d.month;
    part[DATE_WEEKDAY] = (float)(((days + 5) % 7 + 7) % 7); /* 2000-01-01 was a Saturday */
    part[DATE_HOUR] = (float)hour;
    return cell_is_empty(s);
}
