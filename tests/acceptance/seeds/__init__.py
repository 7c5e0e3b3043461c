"""The five companies' webhook pages, sentence by sentence, against one running Hookline that carries all the brands."""
