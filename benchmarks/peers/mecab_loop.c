/* The C library's own loop: every line is analysed and its nodes are walked.  Prints lines per CPU second.
   The structure is that of MeCab's public header, up to the fields that are read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct mecab_t mecab_t;
typedef struct mecab_node_t {
  struct mecab_node_t *prev, *next, *enext, *bnext;
  void *rpath, *lpath;
  const char *surface, *feature;
  unsigned int id;
  unsigned short length, rlength;
} mecab_node_t;

extern mecab_t *mecab_new(int, char **);
extern const mecab_node_t *mecab_sparse_tonode2(mecab_t *, const char *, size_t);

int main(int argc, char **argv) {
  char *arguments[] = {"mecab", "-r", "/dev/null", "-d", argv[1]};
  mecab_t *mecab = mecab_new(5, arguments);
  FILE *file = fopen(argv[2], "rb");
  if (argc < 3 || !mecab || !file) return 1;
  char *text = NULL;
  size_t size = 0, lines = 0, tokens = 0, bytes = 0;
  static char *kept[2000000];
  while (lines < 2000000 && getline(&text, &size, file) > 0) {
    text[strcspn(text, "\n")] = 0;
    kept[lines++] = strdup(text);
  }
  clock_t start = clock();
  for (size_t i = 0; i < lines; i++)
    for (const mecab_node_t *n = mecab_sparse_tonode2(mecab, kept[i], strlen(kept[i]))->next; n && n->next; n = n->next) {
      tokens++;
      bytes += n->rlength;
    }
  double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
  printf("{\"rate\": %f, \"tokens\": %f, \"bytes\": %zu}\n", lines / seconds, (double)tokens / lines, bytes);
  return 0;
}
