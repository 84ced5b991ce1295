/* relative_bucket.h - which learned bias a pair of positions gets: exact for near ones, ever
 * coarser for far ones.
 *
 * Half of the buckets serve keys before the query and the query itself, half the keys after it. Of
 * each half, half again count single steps, and the rest grow as the logarithm up to
 * `max_distance`.
 */
#ifndef TEXT_RELATIVE_BUCKET_H
#define TEXT_RELATIVE_BUCKET_H

/* `distance` = key position - query position; buckets >= 4, max_distance > buckets / 4. */
int text_relative_bucket(int distance, int buckets, int max_distance);

#endif
