// The atlas explorer: draws the cells of each atlas on a plane that pans and zooms, and links what belongs together.
// It reads the page's own data, fetches nothing, and puts text into the page as text alone.
(() => {
  'use strict';
  const box = document.getElementById('explorer');
  const data = document.getElementById('explorer-data');
  if (!box || !data || typeof Panzoom !== 'function') return;

  const DATA = JSON.parse(data.textContent);
  const LEAST_TILE_PX = 40; // a level is drawn once its tiles are this large on the screen
  const WORDS_FROM_PX = 84;
  const FADED = 0.12;
  const MARKS = { fail: '▲', pass: '●', inconclusive: '◆', not_held: '○' };
  // purple, light grey, orange: the colours of the sheets
  const STOPS = [[84, 39, 136], [128, 115, 172], [178, 171, 210], [222, 219, 222], [253, 184, 99], [224, 130, 20], [179, 88, 6]];
  const UNKNOWN = 'rgb(146, 142, 146)';
  const state = { colour: 'own', shown: '', contrast: 0, at: null, pinned: false, picture: null };
  const still = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

  /** An element with attributes and children; strings become text. */
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
      else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : value);
    }
    element.append(...children);
    return element;
  }

  const className = (index) => (index < 0 ? 'without a label' : DATA.classes[index]);
  const logits = (value) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;
  const withError = (pair) => (pair ? `${logits(pair[0])} ± ${pair[1].toFixed(2)} logits` : 'not measured');
  const count = (number, word) => `${number.toLocaleString('en')} ${word}${number === 1 ? '' : 's'}`;

  function colourOf(share) {
    const place = (Math.max(-1, Math.min(1, share)) + 1) / 2 * (STOPS.length - 1);
    const below = Math.min(Math.floor(place), STOPS.length - 2);
    const mixed = STOPS[below].map((low, one) => Math.round(low + (STOPS[below + 1][one] - low) * (place - below)));
    return `rgb(${mixed.join(', ')})`;
  }

  function bytes(text) {
    const raw = atob(text);
    return Uint8Array.from(raw, (one) => one.charCodeAt(0));
  }

  /** One atlas: its frame, its plane, and the cells of the level that is drawn. */
  class AtlasMap {
    constructor(atlas) {
      this.atlas = atlas;
      this.classes = atlas.scale.length;
      this.attributions = new Int8Array(bytes(atlas.attribution).buffer);
      this.levels = [...new Set(atlas.cells.map((cell) => cell.level))].sort((a, b) => a - b);
      this.numbers = new Map(atlas.cells.map((cell, number) => [cell.name, number]));
      this.image = atlas.picture ? `url(${URL.createObjectURL(new Blob([bytes(atlas.picture)], { type: 'image/webp' }))})` : 'none';
      this.marks = new Map();
      for (const finding of DATA.findings) {
        for (const name of finding.cells[atlas.key] || []) this.marks.set(name, [...(this.marks.get(name) || []), finding]);
      }
      this.title = (atlas.pasted ? 'Patches where they are pasted' : 'Activations in their own photographs') + `, layer ${atlas.layer}`;
      this.buttons = new Map();
      this.tabbed = null;
      this.build();
    }

    build() {
      const { atlas } = this;
      const button = (label, sign, action) => make('button', { type: 'button', class: 'plain', 'aria-label': `${label}: ${this.title}`, title: label, onclick: action }, sign);
      this.plane = make('div', { class: 'plane' });
      this.frame = make('div', { class: 'frame', role: 'group', 'aria-label': `Atlas: ${this.title}`, 'aria-describedby': 'explorer-keys' }, this.plane);
      this.large = make('button', { type: 'button', class: 'plain', 'aria-pressed': 'false', onclick: () => this.enlarge() }, 'Large');
      this.ends = make('div', { class: 'scale', 'aria-hidden': 'true' });
      this.said = make('p', { class: 'small soft said' });
      this.figure = make('div', { class: 'map', 'data-atlas': atlas.key },
        make('div', { class: 'bar-of-map' }, make('h4', {}, this.title), button('zoom out', '−', () => this.zoom(-1)),
          button('zoom in', '+', () => this.zoom(1)), button('show all', '⟲', () => this.reset()), this.large),
        this.frame,
        make('div', { class: 'axis-words', 'aria-hidden': 'true' }, make('span', {}, `← ${atlas.left}`), make('span', {}, `${atlas.right} →`)),
        this.ends, this.said);
      this.listen();
    }

    listen() {
      this.frame.addEventListener('scroll', () => this.frame.scrollTo(0, 0)); // a browser scrolls to what has the focus
      this.frame.addEventListener('wheel', (event) => {
        if (!event.ctrlKey && !event.metaKey && !this.frame.contains(document.activeElement)) return;
        this.panzoom.zoomWithWheel(event, { step: 0.6 });
      }, { passive: false });
      this.plane.addEventListener('pointerover', (event) => {
        const cell = this.cellOf(event.target);
        if (cell && !state.pinned) tell(this, cell);
      });
      this.plane.addEventListener('focusin', (event) => {
        const cell = this.cellOf(event.target);
        if (!cell) return;
        this.tab(cell);
        if (!state.pinned) tell(this, cell);
      });
      this.plane.addEventListener('click', (event) => {
        const cell = this.cellOf(event.target);
        if (cell && !(this.dragged && event.detail)) pin(this, cell); // a key's click has no detail, and drags nothing
      });
      this.frame.addEventListener('keydown', (event) => this.key(event));
      new ResizeObserver(() => this.draw()).observe(this.frame);
    }

    start() {
      this.plane.addEventListener('panzoomchange', (event) => {
        this.frame.style.touchAction = event.detail.scale > 1.01 ? 'none' : 'pan-y'; // a finger scrolls past a whole atlas
        this.draw();
      });
      this.plane.addEventListener('panzoomstart', (event) => { this.from = event.detail; this.dragged = false; });
      this.plane.addEventListener('panzoompan', (event) => {
        const { from } = this;
        if (from && Math.hypot(event.detail.x - from.x, event.detail.y - from.y) * event.detail.scale > 4) this.dragged = true;
      });
      this.panzoom = Panzoom(this.plane, {
        canvas: true, contain: 'outside', minScale: 1, maxScale: 12, cursor: 'grab', touchAction: 'pan-y',
        handleStartEvent: () => { this.dragged = false; },
      });
      this.draw();
    }

    cellOf(target) {
      const found = target.closest && target.closest('.cell');
      return found ? this.atlas.cells[Number(found.dataset.number)] : null;
    }

    get scale() { return this.panzoom ? this.panzoom.getScale() : 1; }

    /** The finest level whose tiles are large enough to see. */
    fitting() {
      const room = this.frame.clientWidth * this.scale;
      return this.levels.filter((level) => room / level >= LEAST_TILE_PX).pop() || this.levels[0];
    }

    draw(level = this.fitting()) {
      const side = this.frame.clientWidth / level;
      this.plane.classList.toggle('words', side * this.scale >= WORDS_FROM_PX);
      this.plane.style.setProperty('--ring', `${2 / this.scale}px`);
      if (level === this.level && side === this.side) return;
      [this.level, this.side] = [level, side];
      const focused = this.frame.contains(document.activeElement) ? this.tabbed : null;
      this.buttons.clear();
      const drawn = this.atlas.cells.filter((cell) => cell.level === level).map((cell) => this.button(cell));
      this.plane.replaceChildren(make('span', { class: 'middle', 'aria-hidden': 'true' }), ...drawn);
      const next = this.tabbed && this.nearest(this.tabbed);
      this.tab(next || this.atlas.cells.find((cell) => cell.level === level));
      this.paint();
      if (focused && next) this.buttons.get(next.name).focus({ preventScroll: true });
    }

    button(cell) {
      const share = 100 / cell.level;
      const button = make('button', { type: 'button', class: `cell${cell.holds === false ? ' loose' : ''}`, tabindex: '-1', 'data-number': this.numbers.get(cell.name), 'aria-label': this.words(cell) });
      Object.assign(button.style, {
        left: `${(cell.column + 0.03) * share}%`, top: `${(cell.row + 0.03) * share}%`, width: `${0.94 * share}%`, height: `${0.94 * share}%`,
        fontSize: `${this.side * 0.13}px`,
      });
      if (cell.crops.length) button.append(this.tile(cell.crops[0].tile, 'span', { class: 'crop' }));
      if (cell.icon !== null) button.append(this.tile(cell.icon, 'span', { class: 'icon' }));
      if (cell.word) button.append(make('span', { class: 'word' }, cell.word));
      const marks = this.marks.get(cell.name);
      if (marks) button.append(make('span', { class: `mark ${marks[0].verdict}` }, MARKS[marks[0].verdict] || '○'));
      this.buttons.set(cell.name, button);
      return button;
    }

    tile(number, tag, attributes, ...children) {
      const { columns } = this.atlas, rows = Math.ceil(this.atlas.tiles / columns);
      const element = make(tag, attributes, ...children);
      const at = (place, among) => `${among > 1 ? place / (among - 1) * 100 : 0}%`;
      Object.assign(element.style, {
        backgroundImage: this.image, backgroundSize: `${columns * 100}% ${rows * 100}%`,
        backgroundPosition: `${at(number % columns, columns)} ${at(Math.floor(number / columns), rows)}`,
      });
      return element;
    }

    words(cell) {
      const found = (this.marks.get(cell.name) || []).map((one) => `finding ${one.id}, ${one.word}`);
      const push = cell.predicted || cell.observed;
      return [`cell ${cell.name}`, cell.word, count(cell.count, this.atlas.pasted ? 'crop' : 'activation'), push ? `push ${logits(push[0])} logits` : '', ...found].filter(Boolean).join(', ');
    }

    attribution(cell, index) {
      if (!this.attributions.length) return null;
      return this.attributions[this.numbers.get(cell.name) * this.classes + index] / 127 * this.atlas.scale[index];
    }

    /** What a cell is coloured by, and in words. */
    coloured() {
      const [kind, index] = state.colour.split(':');
      if (kind === 'to' && this.attributions.length) return [`attribution to ${className(Number(index))}`, (cell) => this.attribution(cell, Number(index))];
      if (kind === 'own' && !this.atlas.pasted) return ['push in its own pictures (contrast)', (cell) => cell.observed && cell.observed[0]];
      return [this.atlas.pasted ? 'push foretold, beside covering' : 'predicted push', (cell) => cell.predicted && cell.predicted[0]];
    }

    opacity(cell, largest) {
      let share = 1;
      const [kind, index] = state.shown.split(':');
      if (kind === 'to') {
        const value = this.attribution(cell, Number(index));
        share = value === null ? 1 : Math.max(0, value) / (this.atlas.scale[Number(index)] || 1);
      } else if (kind === 'of') {
        const found = cell.shows.find(([label]) => label === Number(index));
        share = found ? Math.sqrt(found[1] / cell.images) : 0;
      }
      const push = this.atlas.pasted ? cell.predicted : cell.observed, limit = state.contrast;
      if (limit && !(push && (push[0] / largest - limit) * Math.sign(limit) >= 0)) share = 0;
      return Math.max(FADED, share);
    }

    paint() {
      const cells = this.atlas.cells.filter((cell) => cell.level === this.level);
      const [words, value] = this.coloured();
      const size = (values) => Math.max(0, ...values.map((one) => Math.abs(one ?? 0))) || 1;
      const largest = size(cells.map(value));
      const push = size(cells.map((cell) => (this.atlas.pasted ? cell.predicted : cell.observed)?.[0]));
      const lit = new Set(state.picture === null ? [] : this.atlas.places[state.picture].map((number) => this.atlas.cells[number].name));
      for (const name of state.finding?.cells[this.atlas.key] || []) lit.add(name);
      for (const cell of cells) {
        const button = this.buttons.get(cell.name), known = value(cell);
        button.style.setProperty('--c', known === null || known === undefined ? UNKNOWN : colourOf(known / largest));
        button.style.opacity = this.opacity(cell, push);
        button.classList.toggle('lit', lit.has(cell.name));
        button.classList.toggle('pinned', state.pinned && state.at?.map === this && state.at.cell.name === cell.name);
      }
      const bar = make('i');
      bar.style.background = `linear-gradient(90deg, ${STOPS.map((one) => `rgb(${one.join(',')})`).join(', ')})`;
      this.ends.replaceChildren(make('span', {}, words), make('span', {}, logits(-largest)), bar, make('span', {}, `${logits(largest)} logits`));
      const here = cells.filter((cell) => lit.has(cell.name)).length;
      this.said.textContent = `${count(cells.length, 'cell')} at level ${this.level}`
        + (lit.size ? `; ${here} of them lit by ${state.finding ? state.finding.id : 'the chosen picture'}` : '');
    }

    /** The one cell that the tab key reaches. */
    tab(cell) {
      if (!cell) return;
      if (this.tabbed && this.buttons.has(this.tabbed.name)) this.buttons.get(this.tabbed.name).tabIndex = -1;
      this.tabbed = cell;
      if (this.buttons.has(cell.name)) this.buttons.get(cell.name).tabIndex = 0;
    }

    middle(cell) { return [(cell.column + 0.5) / cell.level, (cell.row + 0.5) / cell.level]; }

    /** The drawn cell nearest a cell of any level. */
    nearest(cell) {
      const [x, y] = this.middle(cell);
      let best = null, least = Infinity;
      for (const one of this.atlas.cells) {
        if (one.level !== this.level) continue;
        const [ownX, ownY] = this.middle(one), far = Math.hypot(ownX - x, ownY - y);
        if (far < least) [best, least] = [one, far];
      }
      return best;
    }

    /** The next drawn cell in a direction: near, and hardly off to the side. */
    beside(cell, dx, dy) {
      let best = null, least = Infinity;
      for (const one of this.atlas.cells) {
        if (one.level !== this.level || one === cell) continue;
        const along = (one.column - cell.column) * dx + (one.row - cell.row) * dy;
        const aside = Math.abs((one.column - cell.column) * dy) + Math.abs((one.row - cell.row) * dx);
        if (along > 0 && along + 3 * aside < least) [best, least] = [one, along + 3 * aside];
      }
      return best;
    }

    go(cell) {
      if (!cell) return;
      const here = cell.level === this.level ? cell : this.nearest(cell);
      this.reveal(here);
      this.tab(here);
      this.buttons.get(here.name).focus({ preventScroll: true });
    }

    /** Pan until a cell lies inside the frame. */
    reveal(cell) {
      const { x, y } = this.panzoom.getPan(), side = this.frame.clientWidth, { scale } = this;
      const pans = this.middle(cell).map((share, axis) => {
        const pan = axis ? y : x;
        const seen = (share - 0.5) * side * scale + pan * scale + side / 2, margin = this.side * scale / 2;
        return seen < margin || seen > side - margin ? (0.5 - share) * side : pan;
      });
      if (pans[0] !== x || pans[1] !== y) this.panzoom.pan(pans[0], pans[1], { animate: false });
    }

    zoom(way) {
      const focused = this.frame.contains(document.activeElement) && this.tabbed;
      const options = { animate: !still(), step: 0.4 };
      if (way > 0) this.panzoom.zoomIn(options); else this.panzoom.zoomOut(options);
      if (focused) requestAnimationFrame(() => this.tabbed && this.reveal(this.tabbed));
    }

    reset() { this.panzoom.reset({ animate: !still() }); }

    enlarge() {
      const large = this.figure.classList.toggle('large');
      this.large.setAttribute('aria-pressed', String(large));
      this.panzoom.reset({ animate: false });
    }

    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      const cell = this.tabbed;
      if (ways[event.key]) this.go(this.beside(cell, ...ways[event.key]));
      else if (event.key === '+' || event.key === '=') this.zoom(1);
      else if (event.key === '-' || event.key === '_') this.zoom(-1);
      else if (event.key === '0') this.reset();
      else if (event.key === 'Escape') leave(this);
      else return;
      event.preventDefault();
    }
  }

  const about = make('div', { class: 'about', role: 'region', 'aria-label': 'The chosen cell' });
  const aloud = make('p', { class: 'out-of-sight', 'aria-live': 'polite' });

  function repaint() { for (const map of maps) map.paint(); }

  function tell(map, cell) {
    state.at = { map, cell };
    const { atlas } = map;
    const fact = (name, text) => (text ? [make('dt', {}, name), make('dd', {}, text)] : []);
    const classes = cell.supports.map(([index, value, error]) => `${className(index)} ${withError([value, error])}`).join('; ');
    const shows = cell.shows.map(([label, pictures]) => `${className(label)} ${pictures}`).join(', ');
    const [kind, index] = state.colour.split(':'), chosen = kind === 'to' ? map.attribution(cell, Number(index)) : null;
    const crops = make('ul', { class: 'crops', 'aria-label': 'Crops of this cell' });
    if (cell.icon !== null) crops.append(make('li', {}, map.tile(cell.icon, 'span', { class: 'tile', role: 'img', 'aria-label': 'icon' }), 'icon'));
    for (const crop of cell.crops) {
      const [path, label] = DATA.pictures[crop.picture];
      crops.append(make('li', {},
        map.tile(crop.tile, 'button', { type: 'button', class: 'tile', 'aria-pressed': String(state.picture === crop.picture), 'data-picture': crop.picture, title: path, 'aria-label': `light up where ${path} lies`, onclick: () => light(crop.picture) }),
        className(label)));
    }
    const links = (map.marks.get(cell.name) || []).flatMap((one) => [make('a', { href: `#${one.anchor}` }, `${one.id} ${one.name}`), ` (${one.word}) `]);
    about.classList.add('filled');
    about.replaceChildren(
      make('h4', {}, `Cell ${cell.name}${cell.word ? ` · ${cell.word}` : ''}${state.pinned ? ' (pinned)' : ''}`),
      crops,
      make('dl', {},
        ...fact(atlas.pasted ? 'Crops' : 'Activations', `${cell.count.toLocaleString('en')}, of ${count(cell.images, 'picture')}`),
        ...fact('Push in its own pictures', withError(cell.observed)),
        ...fact(atlas.pasted ? 'Push foretold, beside covering' : 'Predicted push', withError(cell.predicted)),
        ...(chosen === null ? [] : fact(`Attribution to ${className(Number(index))}`, `about ${logits(chosen)} logits`)),
        ...fact('Speaks for', classes),
        ...fact('Pictures of', shows),
        ...fact('Held on other pictures', { true: 'yes', false: 'no' }[cell.holds] || 'not asked'),
        ...(links.length ? [make('dt', {}, 'Findings'), make('dd', {}, ...links)] : [])),
    );
  }

  function pin(map, cell) {
    const same = state.pinned && state.at.map === map && state.at.cell === cell;
    state.pinned = !same;
    state.finding = null;
    tell(map, cell);
    repaint();
    aloud.textContent = same ? `cell ${cell.name} let go` : `cell ${cell.name} pinned`;
  }

  function light(picture) {
    state.picture = state.picture === picture ? null : picture;
    state.finding = null;
    for (const one of about.querySelectorAll('[data-picture]')) one.setAttribute('aria-pressed', String(Number(one.dataset.picture) === state.picture));
    repaint();
    aloud.textContent = state.picture === null ? 'no picture chosen' : maps.map((map) => map.said.textContent).join('. ');
  }

  /** Escape first lets go of what is pinned or lit, then leaves the atlas for its buttons. */
  function leave(map) {
    if (state.pinned || state.picture !== null || state.finding) {
      [state.pinned, state.picture, state.finding] = [false, null, null];
      tell(map, map.tabbed);
      repaint();
    } else map.large.focus();
  }

  function showFinding(name) {
    const finding = DATA.findings.find((one) => one.anchor === name);
    if (!finding) return;
    Object.assign(state, { picture: null, pinned: true, finding }); // whatever comes to lie under the mouse
    const map = maps.find((one) => (finding.cells[one.atlas.key] || []).length);
    box.scrollIntoView({ behavior: still() ? 'auto' : 'smooth', block: 'start' });
    const names = finding.cells[map.atlas.key];
    const known = names.find((one) => one.startsWith(`${map.level}:`)) || names[0];
    const cell = map.nearest(map.atlas.cells[map.numbers.get(known)]);
    map.go(cell);
    tell(map, cell);
    repaint();
    aloud.textContent = `cells of finding ${finding.id} are lit`;
  }

  function settings() {
    const first = [...DATA.pair[1], ...DATA.pair[0]].slice(0, 6);
    const sorted = (indices) => indices.sort((a, b) => (first.includes(b) - first.includes(a)) || className(a).localeCompare(className(b)));
    const known = sorted(DATA.classes.map((_, index) => index).filter((index) => maps.some((map) => map.atlas.scale[index] > 0)));
    const pictured = sorted([...new Set(maps.flatMap((map) => map.atlas.cells.flatMap((cell) => cell.shows.map(([label]) => label))))].filter((label) => label >= 0));
    const options = (words, kind, indices) => indices.map((index) => make('option', { value: `${kind}:${index}` }, `${words} ${className(index)}`));
    const groups = (words, kind, indices) => (indices.length ? [make('optgroup', { label: words }, ...options(words, kind, indices))] : []);
    const changed = (name) => (event) => {
      state[name] = name === 'contrast' ? Number(event.target.value) / 100 : event.target.value;
      if (name === 'contrast') event.target.setAttribute('aria-valuetext', said(state.contrast));
      repaint();
      if (state.at) tell(state.at.map, state.at.cell);
    };
    const said = (share) => (share ? `at least ${Math.round(Math.abs(share) * 100)}% of the way to ${share > 0 ? DATA.target : DATA.source}` : 'all');
    const slider = make('input', { type: 'range', id: 'explorer-contrast', min: '-100', max: '100', step: '5', value: '0', 'aria-valuetext': 'all', oninput: changed('contrast') });
    const pushes = [make('option', { value: 'own' }, 'push in own pictures (contrast)'), make('option', { value: 'predicted' }, 'predicted push')];
    const clear = () => {
      Object.assign(state, { colour: 'own', shown: '', contrast: 0, pinned: false, picture: null, finding: null });
      for (const one of form.querySelectorAll('select')) one.selectedIndex = 0;
      slider.value = '0';
      slider.setAttribute('aria-valuetext', 'all');
      for (const map of maps) map.panzoom.reset({ animate: false });
      repaint();
    };
    const form = make('div', { class: 'settings', role: 'group', 'aria-label': 'What the explorer shows' },
      make('label', {}, 'Colour by', make('select', { id: 'explorer-colour', onchange: changed('colour') }, ...pushes, ...groups('attribution to', 'to', known))),
      make('label', {}, 'Keep cells that', make('select', { id: 'explorer-class', onchange: changed('shown') }, make('option', { value: '' }, 'are any'), ...groups('speak for', 'to', [...known]), ...groups('come from pictures of', 'of', pictured))),
      make('label', {}, `Fade: ← ${DATA.source} only · ${DATA.target} only →`, slider),
      make('button', { type: 'button', class: 'plain', onclick: clear }, 'Start again'));
    return form;
  }

  const maps = DATA.atlases.filter((atlas) => atlas.cells.length).map((atlas) => new AtlasMap(atlas));
  about.append(make('p', { class: 'soft' }, 'Point at a cell, or move to it with the arrow keys, to see its crops and numbers here.'));
  box.append(settings(), make('div', { class: 'maps' }, ...maps.map((map) => map.figure)), about, aloud);
  box.hidden = false;
  for (const sheets of document.querySelectorAll('details.sheets')) sheets.open = false;
  for (const map of maps) map.start();
  document.addEventListener('click', (event) => {
    const link = event.target.closest && event.target.closest('a.to-atlas');
    if (!link) return;
    event.preventDefault();
    showFinding(link.dataset.finding);
  });
})();
