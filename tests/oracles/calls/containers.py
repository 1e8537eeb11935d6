"""Containers of parameters, buffers as attributes, and names for several GPUs."""

__all__ = ["CALLS", "START"]

START = """
from collections import OrderedDict
U, consumed = nn.utils, nn.modules.utils.consume_prefix_in_state_dict_if_present

class Holder(nn.Module):
    def __init__(self):
        super().__init__()
        self.kept = nn.Buffer(torch.ones(2))
        self.left = nn.Buffer(torch.zeros(1), persistent=False)

def shared():
    layer, norm = nn.Linear(2, 2), nn.BatchNorm1d(2)
    return nn.Sequential(layer, norm, layer, norm)

def names(module):
    return list(module.state_dict()), [n for n, _ in module.named_parameters()], [n for n, _ in module.named_buffers()]

def changed(container, action):
    result = action(container)
    return result, container

one, two = torch.ones(2), nn.Parameter(torch.zeros(1, 2))
p, d = nn.ParameterList([one, two]), nn.ParameterDict({"b": one, "a": two})
batch = torch.arange(24.0).reshape(4, 3, 2)
"""

CALLS = (
    "[[consumed(d, 'module.') or list(d.items())] for d in [{'module.a': 1, 'b': 2, 'module.module.c': 3}]]",
    "[getattr(nn.modules, n) is getattr(nn, n) for n in ('Conv2d', 'LSTM')], nn.modules.loss.CTCLoss is nn.CTCLoss",
    "refused(getattr, nn.modules, 'Conv4d')",
    "[U.convert_conv2d_weight_memory_format(m, torch.channels_last) is m for m in [nn.Conv2d(1, 2, 3)]]",
    "[U.convert_conv3d_weight_memory_format(m, torch.channels_last_3d) is m for m in [nn.Conv3d(1, 2, 3)]]",
    "[repr(p), repr(nn.ParameterList()), repr(nn.ParameterList([1, 'a'])), len(p), names(p)]",
    "[p[0], p[-1], list(p[0:1]), [v.requires_grad for v in p], p[1] is two, p[0] is one]",
    "[names(changed(p, lambda q: q.append(one))[1]), p[-1]]",
    "[len(changed(p, lambda q: q.extend([one, one]))[1]), names(p)]",
    "[changed(p, lambda q: q.__setitem__(-1, one * 3))[1][1], len(p.__iadd__([two])), type(p[1:]).__name__]",
    "[refused(p.__getitem__, i) for i in (2, -3, 'a')] + [refused(p.extend, 3), refused(p.extend, one)]",
    "[refused(p.append, torch.tensor([1])), refused(nn.ParameterList, two)]",
    "[repr(d), repr(nn.ParameterDict()), list(d), names(d), d['b'].requires_grad, d['a'] is two]",
    "[list(nn.ParameterDict(OrderedDict([('b', one), ('a', two)]))), list(nn.ParameterDict([('z', one), ('c', two)]))]",
    "[d.pop('a').shape, list(d), names(d), len(d)]",
    "[d.update({'y': one, 'c': two}), list(d), list(reversed(d)), 'y' in d, 'x' in d, 3 in d]",
    "[list((d | {'e': one})), list(({'e': one} | d)), len(d), list(d.copy()), d.copy()['a'] is two]",
    "[d.setdefault('k'), d.setdefault('a') is two, d.popitem(), d.get('none', 3), list(d.fromkeys(['u', 'v'], one))]",
    "[d.clear(), len(d), list(d.keys()), names(d)]",
    "[list(changed(d, lambda q: q.__ior__({'q': one}))[1]), list(d.values())[-1], [n for n, _ in d.items()]]",
    "[refused(d.__getitem__, 'x'), refused(nn.ParameterDict, {1: one}), refused(d.__setitem__, 'values', one)]",
    "[refused(d.pop, 'x'), refused(nn.ParameterDict().popitem)]",
    "[repr(nn.Sequential(nn.ReLU()) + nn.Sequential(nn.Tanh(), nn.ReLU())), repr(nn.Sequential(nn.ReLU()) * 2)]",
    "[names(nn.Sequential(p)), names(nn.ModuleList([d])), names(nn.ParameterList([two, two]))]",
    "[names(Holder()), Holder().kept, names(Holder().double()), Holder().double().left]",
    "[changed(Holder(), lambda m: setattr(m, 'kept', one * 5))[1].state_dict()['kept']]",
    "[repr(nn.SyncBatchNorm(3)), names(nn.SyncBatchNorm(3)), nn.SyncBatchNorm(3)(batch)]",
    "nn.SyncBatchNorm(3)(batch[..., 0])",
    "[repr(m) for m in [nn.SyncBatchNorm.convert_sync_batchnorm(nn.Sequential(nn.ReLU(), nn.BatchNorm1d(3)))]]",
    "[[m[0].weight is n.weight, names(m)] for n in [nn.BatchNorm2d(2)] "
    "for m in [nn.SyncBatchNorm.convert_sync_batchnorm(nn.Sequential(n))]]",
    "[refused(nn.SyncBatchNorm(3), one), nn.NLLLoss2d()(batch[:, :, 0].log_softmax(1), torch.tensor([0, 2, 1, 1]))]",
    "[repr(nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Tanh(), nn.ReLU()])), repr(nn.ModuleList())]",
    "[repr(nn.ModuleList([nn.Sequential(nn.Linear(1, 2), nn.ReLU())] * 2)), repr(nn.Sequential(nn.ReLU(), nn.ReLU()))]",
    "[repr(m.load_state_dict(s, strict=False)) for m in [nn.BatchNorm1d(1)] for s in (m.state_dict(), {'a': one})]",
    "[m.load_state_dict({'weight': one, 'bias': one, 'running_mean': one, 'running_var': one}) "
    "for m in [nn.BatchNorm1d(2)]]",
    "[refused(nn.Sequential(nn.BatchNorm1d(2)).load_state_dict, {'0.weight': one})]",
    # other methods of modules
    "[[n for n, _ in m.named_parameters(remove_duplicate=False)] for m in [shared()]]",
    "[[n for n, _ in m.named_parameters()] for m in [shared()]]",
    "[[n for n, _ in m.named_modules(prefix='a', remove_duplicate=False)] for m in [shared()]]",
    "[[n for n, _ in m.named_modules(set(), 'a')] for m in [shared()]]",
    "[[n for n, _ in m.named_modules({m[0]})] for m in [shared()]]",
    "[[n for n, _ in m.named_buffers('b', True, False)] for m in [shared()]]",
    "[len(list(m.modules())) for m in [shared()]], [len(list(m.modules(False))) for m in [shared()]]",
    "[m.get_parameter('0.weight') is m[0].weight for m in [shared()]], [list(m.get_buffer('1.running_mean').shape) "
    "for m in [shared()]]",
    "[refused(m.get_parameter, n) for m in [shared()] for n in ('0', 'weight', '1.running_mean', '5.weight')]",
    "[refused(m.get_buffer, n) for m in [shared()] for n in ('0.weight', '1.nothing')]",
    "[[m.register_parameter('a', None), list(m._parameters), m._parameters['a'], len(m._parameters)] "
    "for m in [nn.Module()]]",
    "[[m.register_module('a', None), list(m._modules), m.register_buffer('b', None), list(m._buffers), "
    "list(m._parameters)] for m in [nn.Module()]]",
    "[[m.register_parameter('a', None), setattr(m, 'a', nn.Parameter(one)), list(m._parameters), [n for n, _ in "
    "m.named_parameters()], list(m.state_dict())] for m in [nn.Module()]]",
    "[[setattr(m, 'weight', None), list(m._parameters), list(m.state_dict())] for m in [nn.Linear(1, 1)]]",
    "[[repr(m.pop(0)), repr(m.pop(-1)), len(m), list(m.state_dict())] for m in [nn.Sequential(nn.ReLU(), "
    "nn.Linear(1, 1), nn.Tanh())]]",
    "[[repr(m.pop(1)), repr(m), refused(m.pop, 5)] for m in [nn.ModuleList([nn.ReLU(), nn.Tanh()])]]",
    "[[repr(m.extend(sequential=nn.Sequential(nn.Tanh())))] for m in [nn.Sequential(nn.ReLU())]]",
    "[[m.clear(), len(m)] for m in [nn.ModuleDict({'a': nn.ReLU()})]]",
    "[[m.set_submodule('0', nn.Tanh()), repr(m), refused(m.set_submodule, '5.a', nn.Tanh())] for m in [shared()]]",
    "[[refused(m.set_submodule, 'new', nn.Tanh(), strict=True), m.set_submodule('1', nn.Tanh(), True), len(m)] "
    "for m in [shared()]]",
)
