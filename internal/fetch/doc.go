// Package fetch opens profiles that are files or addresses of `lsmprof serve`.
package fetch
